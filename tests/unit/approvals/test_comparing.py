"""Comparing two versions: whatever they hold, each thing is listed once or counted as the same."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.comparing import compare, part
from handrail.approvals.domain.differences import Origin
from handrail.approvals.domain.sides import Dataset, Making, NamedFeatures, PipelineData, RunFacts, Side, TreeFacts
from handrail.manifest import FileEntry, Manifest

NAMES = st.text(st.sampled_from("ab.\u202e"), min_size=1, max_size=3)
TEXTS = st.sampled_from(["1", "1.0", "True", "true", "nan", "x" * 500, ""])
PAIRS = st.dictionaries(NAMES, TEXTS, max_size=4)
SERVICES = st.none() | st.builds(NamedFeatures, NAMES, st.none() | TEXTS)
TREES = st.builds(
    TreeFacts,
    st.just(Manifest((FileEntry("MLmodel", 1, "0" * 64),))),
    st.none() | st.lists(NAMES, unique=True, max_size=3).map(tuple),
    st.none() | PAIRS,
    SERVICES,
)
RUNS = st.builds(
    RunFacts,
    st.just("run"),
    PAIRS,
    st.none() | TEXTS,
    st.none() | st.booleans(),
    st.lists(st.builds(Dataset, NAMES, NAMES, TEXTS, st.none() | st.integers(0, 9)), max_size=3).map(tuple),
    SERVICES,
    st.none() | st.dictionaries(NAMES, st.floats(-1, 1), max_size=3),
)
MAKINGS = st.builds(
    Making,
    st.booleans(),
    st.none() | TEXTS,
    PAIRS,
    PAIRS,
    st.dictionaries(NAMES, st.builds(PipelineData, TEXTS, st.none() | st.integers(1, 9)), max_size=3),
    st.frozensets(TEXTS),
    SERVICES,
)
SIDES = st.builds(
    Side,
    st.integers(1, 9),
    st.just("sha256:" + "0" * 64),
    st.none() | TREES.map(lambda tree: tree.manifest),
    st.none() | TREES,
    st.none() | RUNS,
    st.none() | MAKINGS,
    st.frozensets(st.sampled_from(["files", "run", "lineage"])),
)


@given(PAIRS, PAIRS)
def test_each_name_is_changed_added_removed_or_the_same(before, after):
    found = part(before, after, Origin.WORD, first=False)

    names = [row.name for rows in (found.changed, found.added, found.removed) for row in rows]
    assert len(names) == len(set(names)) == len(found.rows)
    assert len(names) + found.same == len({*before, *after})
    assert {row.name for row in found.added} == after.keys() - before.keys()
    assert {row.name for row in found.removed} == before.keys() - after.keys()


@given(PAIRS)
def test_what_is_known_of_one_side_only_is_not_called_new_unless_nothing_was_before(after):
    assert part(None, after, Origin.WORD, first=False).rows == ()
    assert len(part(None, after, Origin.WORD, first=True).added) == len(after)
    assert part(after, None, Origin.WORD, first=False).rows == ()


@given(st.none() | SIDES, SIDES)
def test_whatever_is_known_it_is_compared_and_what_is_not_is_named(before, after):
    changes = compare("pr-1", before, after, ["it is gone"])

    found = changes.to_json()
    assert found["unknown"][0] == "it is gone"
    for side in filter(None, (before, after)):
        if side.frozen is None or side.frozen.packages is None:
            assert f"The packages of version {side.version} are not known." in changes.unknown
    assert [row["what"] for row in found["data"]] == [row.name for row in changes.data]


@given(SIDES)
def test_a_version_beside_itself_has_no_differences(side):
    changes = compare("pr-1", side, side, [])

    for found in (changes.files, changes.parameters, changes.code.files, changes.features.names, changes.environment):
        assert found.rows == ()
    for row in (*changes.data, changes.code.commit, changes.features.service, *changes.features.importances):
        assert not row.is_change


@given(SIDES, SIDES)
def test_nothing_is_called_measured_that_one_pipeline_alone_has_measured(before, after):
    proven = [side.making is not None and side.making.measured for side in (before, after)]
    changes = compare("pr-1", before, after, [])

    rows = [*changes.parameters.rows, *changes.code.files.rows]
    if not all(proven):
        assert Origin.MEASURED not in {row.origin for row in rows}


@given(SIDES)
def test_what_nobody_recorded_of_the_making_is_said_only_where_all_that_would_say_it_was_read(side):
    whole = replace(side, unread=frozenset())

    found = compare("pr-1", None, whole, [])

    assert ("commit" in found.unrecorded) == (found.code.commit.after is None)
    assert set(found.unrecorded) <= {"commit", "training data"}
    for what in ("run", "lineage"):
        assert compare("pr-1", None, replace(side, unread=frozenset((what,))), []).unrecorded == ()
