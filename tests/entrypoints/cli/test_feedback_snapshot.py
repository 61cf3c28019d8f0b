"""`handrail feedback snapshot`, as a user types it."""

import json
import sqlite3
from contextlib import closing

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback.domain.snapshots import SnapshotChanged
from tests.entrypoints.cli.test_feedback import AUGUST, OUTCOME, PREDICTION, lines, project, run

__all__ = ["project"]
CORRECTED = OUTCOME | {"value": 0, "revision": 1, "received_at": "2013-08-20T15:30:00Z"}


@pytest.fixture
def taken(project):
    run("import", "-", text=lines(PREDICTION, OUTCOME, CORRECTED))
    early = (*AUGUST[:-1], "2013-08-10")
    return [json.loads(run("snapshot", "ground_truth", *each, "--json").stdout) for each in (early, AUGUST)]


def test_the_first_form_and_the_named_one_take_the_same(taken):
    for words in (("ground_truth", *AUGUST), ("take", *AUGUST, "ground_truth"), (*AUGUST, "ground_truth")):
        assert json.loads(run("snapshot", *words, "--json").stdout) == taken[1]


def test_a_snapshot_is_shown_with_what_it_was_made_from(project, taken):
    file = project / "out" / "ids.ndjson"

    shown = json.loads(run("snapshot", "show", taken[1]["digest"], "--ids", file, "--json").stdout)

    assert shown == taken[1] | {"ids": str(file), "ids_written": 3}
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["what"] for each in found] == ["prediction", "event", "event"]
    assert found[0]["identifier"] == "p1"
    assert "the digest fits them" in run("snapshot", "show", taken[1]["digest"], "--ids", file).stderr.replace(
        "\n", " "
    )
    assert taken[1]["digest"] in run("snapshot", "show", taken[1]["digest"]).stdout


def test_ids_that_do_not_fit_the_digest_get_no_name(project, taken):
    with closing(sqlite3.connect(project / "home" / "handrail.db")) as store, store:
        store.execute("update feedback_event set value = 0")
    file = project / "ids.ndjson"

    with pytest.raises(SnapshotChanged):
        run("snapshot", "show", taken[1]["digest"], "--ids", file)

    assert not list(project.glob("*ids.ndjson*"))


@pytest.mark.parametrize("compacted", [False, True])
def test_a_difference_says_why_with_counts_and_rows(project, taken, compacted):
    if compacted:
        run("compact")
    digests, file = [each["digest"] for each in taken], project / "rows.ndjson"

    found = json.loads(run("snapshot", "diff", *digests, "--rows", file, "--json").stdout)
    shown = run("snapshot", "diff", *digests).stdout

    assert found["counts"] == {"corrected": 1, "label changed": 1}
    assert (found["changes"], found["before"], found["after"]) == (1, *taken)
    assert found["rules"] == {"as_of": ["2013-08-10 00:00:00+00:00", "2013-09-05 00:00:00+00:00"]}
    (row,) = map(json.loads, file.read_text().splitlines())
    assert found["rows"] == [row]
    assert (row["before"]["value"], row["after"]["value"], len(row["new_events"])) == (1.0, 0.0, 1)
    assert "corrected, label changed; label 1 to 0" in shown.replace("\n", " ")


def test_what_does_not_exist_is_named(project, taken):
    with pytest.raises(UnknownReference, match="no snapshot named 'sha256:0'"):
        run("snapshot", "diff", taken[0]["digest"], "sha256:0")
    with pytest.raises(InvalidInput, match="--from"):
        run("snapshot", "ground_truth", "--from", "August", "--until", "2013-09-01")
