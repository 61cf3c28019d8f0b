"""A snapshot stays what it was, and what it names depends on knowledge alone, never on arrival."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import UnknownReference
from handrail.feedback.domain.material import Mark, Material, Scope
from handrail.feedback.domain.snapshots import Format, SnapshotChanged, build_snapshot
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, MemoryWriter, a_log, a_prediction, an_outcome, memory_stores

DAY = timedelta(days=1)
AUGUST = ("ground_truth", GO_LIVE, GO_LIVE + 31 * DAY, GO_LIVE + 40 * DAY)
FILE = Path("labels.parquet")
FIRST_RELEASE = "sha256:3c36ef545cba48a940f010a39030353fddea20cec2dd0dd20266aab45e6f19b1"


def events_about(number):
    return st.builds(
        lambda value, revision, hours, heard, key: an_outcome(
            a_prediction(number),
            value,
            revision=revision,
            occurred_at=GO_LIVE + timedelta(hours=hours),
            received_at=GO_LIVE + heard * DAY,
            event_id=key,
        ),
        value=st.sampled_from([0.0, 1.0, None]),
        revision=st.integers(0, 2),
        hours=st.integers(0, 2),
        heard=st.sampled_from([1, 60]),
        key=st.uuids(version=4).map(str),
    )


HISTORIES = st.lists(st.integers(0, 4).flatmap(events_about), max_size=12, unique_by=lambda event: event.key)


@st.composite
def two_arrivals(draw):
    """Two orders in which the same predictions and events arrive, with repetitions, in batches of any size."""
    said = [*(a_prediction(number) for number in range(draw(st.integers(0, 5)))), *draw(HISTORIES)]
    twice = (
        [draw(st.permutations(said + draw(st.lists(st.sampled_from(said), max_size=5)))) for _ in range(2)]
        if said
        else [[], []]
    )
    return twice


def test_a_digest_is_what_it_was_before_kinds_could_have_a_unit():
    stores = memory_stores()
    a_log(stores).record_predictions([a_prediction()])

    assert of_the_first_release(stores).digest == FIRST_RELEASE


def of_the_first_release(stores):
    """Keep the snapshot of August that covers ids only."""
    scope, mark = Scope(*AUGUST), stores.reader.mark()
    material = stores.reader.read(scope, mark)
    return stores.snapshots.save(build_snapshot(scope, GROUND_TRUTH, material, mark, Format.IDS))


def told(values):
    log = a_log()
    for value in values:
        if hasattr(value, "score"):
            log.record_predictions([value])
        else:
            log.record_feedback([value, value])
    return log


@settings(deadline=None)
@given(two_arrivals())
def test_any_order_with_repetitions_gives_the_same_values_and_the_same_digest(arrivals):
    first, second = map(told, arrivals)

    assert first.cohort(None, *AUGUST) == second.cohort(None, *AUGUST)
    assert first.snapshot(*AUGUST).digest == second.snapshot(*AUGUST).digest


@settings(deadline=None)
@given(HISTORIES)
def test_the_current_value_is_that_of_a_plain_sort(history):
    log = told([a_prediction(0), *history])
    known = [
        each
        for each in history
        if each.received_at <= AUGUST[3] and each.prediction_id == a_prediction(0).prediction_id
    ]
    oracle = max(known, key=lambda each: (each.revision, each.occurred_at, each.key), default=None)

    cohort = log.cohort(None, *AUGUST)

    assert cohort.label == (oracle.value if oracle else None,)


@settings(deadline=None)
@given(two_arrivals(), st.integers(0, 17))
def test_whatever_arrives_later_leaves_an_old_snapshot_alone(arrivals, taken_after):
    early, late = arrivals[0][:taken_after], arrivals[0][taken_after:]
    writer = MemoryWriter()
    log = a_log(writer=writer)
    record(log, early)
    snapshot = log.snapshot(*AUGUST)
    log.export_snapshot(snapshot.digest, FILE)
    before = writer.written[FILE], log.snapshot_cohort(snapshot.digest)

    record(log, late)
    log.export_snapshot(snapshot.digest, FILE)

    assert (writer.written[FILE], log.snapshot_cohort(snapshot.digest)) == before


def record(log, values):
    log.record_predictions([value for value in values if hasattr(value, "score")])
    log.record_feedback([value for value in values if not hasattr(value, "score")])


def a_told_log():
    log = a_log(writer=MemoryWriter())
    log.record_predictions([a_prediction(number) for number in range(4)])
    log.record_feedback([an_outcome(a_prediction(number)) for number in range(3)])
    return log


def test_the_same_knowledge_is_the_same_snapshot():
    log = a_told_log()
    first = log.snapshot(*AUGUST)
    log.record_feedback([an_outcome(a_prediction(3), received_at=AUGUST[3] + DAY)])

    assert log.snapshot(*AUGUST) == first
    assert log.snapshots() == (first,)
    assert (first.predictions, first.events) == (4, 3)
    assert first.uri == f"feedback://handrail/snapshot/{first.digest}"


def test_late_data_makes_a_new_snapshot_beside_the_old_one():
    log = a_told_log()
    first = log.snapshot(*AUGUST)

    log.record_feedback([an_outcome(a_prediction(3))])

    assert log.snapshot(*AUGUST).digest != first.digest
    assert len(log.snapshots()) == 2
    assert log.snapshot_cohort(first.digest).coverage == 0.75


@pytest.mark.parametrize("changed", [1, 2, 3])
def test_another_window_or_as_of_time_is_another_snapshot(changed):
    log = a_told_log()
    other = list(AUGUST)
    other[changed] += DAY

    assert log.snapshot(*AUGUST).digest != log.snapshot(*other).digest


def test_a_changed_rule_leaves_old_snapshots_as_they_were():
    stores = memory_stores()
    log = a_log(stores)
    log.record_predictions([a_prediction()])
    log.record_feedback([an_outcome(a_prediction())])
    snapshot = log.snapshot(*AUGUST)
    patient = a_log(stores, kinds=[replace(log.kind("ground_truth"), maturity_window=90 * DAY)])

    assert patient.snapshot_cohort(snapshot.digest).mature == (True,)
    assert patient.snapshot(*AUGUST).digest != snapshot.digest


def test_altered_rows_are_noticed():
    stores = memory_stores()
    log = a_log(stores)
    log.record_predictions([a_prediction()])
    log.record_feedback([an_outcome(a_prediction())])
    snapshot = log.snapshot(*AUGUST)

    stores.events.log.rows.clear()

    with pytest.raises(SnapshotChanged, match="the store was altered"):
        log.export_snapshot(snapshot.digest, FILE)


@pytest.mark.parametrize(
    "altered",
    [{"value": 0.0}, {"revision": 3}, {"occurred_at": GO_LIVE}, {"value": None, "retracts": True}, {"event_id": "x"}],
    ids=str,
)
def test_an_altered_statement_is_noticed(altered):
    stores = memory_stores()
    log, said = a_log(stores), an_outcome(a_prediction(), event_id="mine")
    record(log, [a_prediction(), said])
    snapshot = log.snapshot(*AUGUST)

    stores.events.log.rows["mine"] = replace(said, **altered)

    with pytest.raises(SnapshotChanged):
        log.snapshot_cohort(snapshot.digest)


@pytest.mark.parametrize(
    "altered",
    [
        {"score": 0.5},
        {"label": 1},
        {"subject": "another"},
        {"deployment": "deploy://local/other/1"},
        {"made_at": GO_LIVE + timedelta(minutes=1)},
    ],
    ids=str,
)
def test_an_altered_prediction_is_noticed(altered):
    stores = memory_stores()
    log = a_log(stores)
    log.record_predictions([a_prediction()])
    snapshot = log.snapshot(*AUGUST)

    stores.predictions.log.rows[a_prediction().prediction_id] = a_prediction(**altered)

    with pytest.raises(SnapshotChanged):
        log.snapshot_cohort(snapshot.digest)


def test_a_snapshot_of_the_first_release_still_gives_its_labels_and_names_what_it_covers():
    stores = memory_stores()
    log = a_log(stores)
    record(log, [a_prediction(), an_outcome(a_prediction())])
    old, new = of_the_first_release(stores), log.snapshot(*AUGUST)

    assert log.snapshot_cohort(old.digest) == log.snapshot_cohort(new.digest)
    assert [(each.digest, each.covers) for each in sorted((old, new), key=lambda each: each.format)] == [
        (old.digest, "ids"),
        (new.digest, "bodies"),
    ]
    stores.events.log.rows.clear()
    with pytest.raises(SnapshotChanged):
        log.snapshot_cohort(old.digest)


def test_a_measured_latency_is_no_part_of_a_snapshot():
    digests = set()
    for latency in (1.0, 2.0):
        log = a_log()
        log.record_predictions([a_prediction(latency_ms=latency)])
        digests.add(log.snapshot(*AUGUST).digest)

    assert len(digests) == 1


def test_an_unknown_snapshot_is_named():
    with pytest.raises(UnknownReference, match="no snapshot named 'sha256:0'"):
        a_log().export_snapshot("sha256:0", FILE)


def test_an_export_holds_mature_labels_and_each_subject_once():
    stores, writer = memory_stores(), MemoryWriter()
    log = a_log(stores, writer)
    subject = a_prediction(0).subject
    again = a_prediction(5, subject=subject, prediction_id="again")
    unripe = a_prediction(24 * 30)
    log.record_predictions([a_prediction(0), a_prediction(1), again, unripe])
    log.record_feedback([an_outcome(a_prediction(0), 0.0, revision=1), an_outcome(again, 1.0), an_outcome(unripe)])

    log.export_snapshot(log.snapshot(*AUGUST[:3], unripe.made_at + DAY).digest, FILE)

    assert writer.written[FILE].count(subject) == 1
    assert f"('{subject}', 0.0, " in writer.written[FILE]
    assert a_prediction(1).subject not in writer.written[FILE]
    assert unripe.subject not in writer.written[FILE]


@pytest.mark.parametrize("change", [{"at_least": 0.0}, {"at_most": 0.0}, {"whole": True}, {"unit": "euros"}])
def test_each_bound_of_a_kind_counts_a_bound_of_zero_too(change):
    empty, mark = Material((), ()), Mark(0, 0)
    kinds = replace(GROUND_TRUTH, values=()), replace(GROUND_TRUTH, values=(), **change)

    plain, bounded = (build_snapshot(Scope(*AUGUST), kind, empty, mark).digest for kind in kinds)

    assert plain != bounded
