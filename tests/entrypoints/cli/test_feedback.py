"""`handrail feedback`, as a user types it."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from handrail.entrypoints.cli import build
from handrail.errors import HandrailError, InvalidInput

CONFIG = Path(__file__).resolve().parents[3] / "config"
PREDICTION = {
    "prediction_id": "p1",
    "deployment": "deploy://local/flights/1",
    "subject": "2013-08-01:UA:1:0600:EWR",
    "made_at": "2013-08-01T08:00:00Z",
    "score": 0.3,
    "label": 0,
}
OUTCOME = {
    "prediction_id": "p1",
    "kind": "ground_truth",
    "value": 1,
    "source": "airport-feed",
    "occurred_at": "2013-08-01T13:00:00Z",
    "received_at": "2013-08-01T15:30:00Z",
}
AUGUST = ("--from", "2013-08-01T04:00Z", "--until", "2013-09-01T04:00Z", "--as-of", "2013-09-05")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    shutil.copy(CONFIG / "feedback.yaml", tmp_path / "config")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path


def run(*words, text=None):
    result = CliRunner().invoke(build(), ["feedback", *map(str, words)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines(*objects):
    return "\n".join(json.dumps(each) for each in objects) + "\n"


def test_a_file_is_imported_once(project):
    file = project / "events.ndjson"
    file.write_text(lines(OUTCOME, PREDICTION) + "\n")

    first = run("import", file, "--json")
    second = run("import", file)

    counts = {"accepted": 2, "repeated": 0, "conflict_count": 0, "refused_count": 0}
    assert json.loads(first.stdout) == counts | {"conflicts": [], "refused": []}
    assert second.stdout == "0 recorded, 2 known already.\n"
    assert (first.exit_code, second.exit_code) == (0, 0)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(("\ufeff" + lines(OUTCOME, PREDICTION)).encode(), id="UTF-8"),
        pytest.param(("\ufeff" + lines(OUTCOME) + "\ufeff" + lines(PREDICTION)).encode(), id="two joined files"),
        pytest.param(("\ufeff" + lines(OUTCOME, PREDICTION).replace("\n", "\r\n")).encode(), id="Windows line ends"),
        pytest.param(lines(OUTCOME, PREDICTION).encode("utf-16"), id="UTF-16"),
        pytest.param(("\ufeff" + lines(OUTCOME, PREDICTION)).encode("utf-16-be"), id="UTF-16, big end first"),
    ],
)
def test_a_file_that_begins_with_a_byte_order_mark_is_read(project, content):
    file = project / "events.ndjson"
    file.write_bytes(content)

    assert json.loads(run("import", file, "--json").stdout)["accepted"] == 2


def test_a_byte_order_mark_on_stdin_is_passed_over(project):
    assert json.loads(run("import", "-", "--json", text="\ufeff" + lines(OUTCOME)).stdout)["accepted"] == 1


def test_lines_are_read_from_stdin(project):
    assert json.loads(run("import", "-", "--json", text=lines(OUTCOME)).stdout)["accepted"] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line: it is not JSON"),
        ("[]", "row: it is not a JSON object"),
        (json.dumps(OUTCOME | {"kind": "weather"}), "kind: no kind named 'weather'"),
        (json.dumps(OUTCOME | {"value": 3}), "value: 3.0 is not a ground_truth"),
        (json.dumps(OUTCOME | {"colour": 3}), "colour: extra"),
        (json.dumps(PREDICTION | {"score": "x"}), "score: "),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_recorded(project, line, said):
    result = run("import", "-", text=lines(OUTCOME) + line + "\n" + lines(PREDICTION))

    assert result.exit_code == 1
    assert result.stdout == "2 recorded, 0 known already.\n"
    assert f"stdin line 2: {said}" in result.stderr
    assert "1 lines are set aside" in result.stderr
    (held,) = json.loads(run("quarantine", "list", "--json").stdout)
    assert held["origin"] == "stdin line 2"


def test_a_missing_file_is_named(project):
    with pytest.raises(HandrailError, match=r"no file 'nowhere\.ndjson'"):
        run("import", "nowhere.ndjson")


def test_conflicts_fail_the_import_and_are_listed(project):
    run("import", "-", text=lines(OUTCOME | {"event_id": "mine"}))

    result = run("import", "-", text=lines(OUTCOME | {"event_id": "mine", "value": 0}))
    status = json.loads(run("status", "--json").stdout)

    assert result.exit_code == 1
    assert (status["feedback"], status["conflicts"], status["orphans"], status["orphan_share"]) == (1, 1, 1, 1.0)
    assert status["quarantined"][0]["identifier"] == "mine"
    assert "in quarantine: feedback mine" in run("status").stdout


def test_a_snapshot_is_taken_exported_and_listed(project):
    run("import", "-", text=lines(PREDICTION, OUTCOME))
    snapshot = json.loads(run("snapshot", "ground_truth", *AUGUST, "--json").stdout)

    run("export", snapshot["digest"], project / "labels.parquet")

    assert (snapshot["predictions"], snapshot["events"]) == (1, 1)
    labels = pl.read_parquet(project / "labels.parquet")
    assert labels.select("flight_id", "late").rows() == [("2013-08-01:UA:1:0600:EWR", 1)]
    assert snapshot["digest"] in run("status").stdout
    assert snapshot["digest"] in run("snapshot", "ground_truth", *AUGUST).stdout


def test_a_wrong_moment_is_named(project):
    with pytest.raises(HandrailError, match="--from: 'August' is not a moment"):
        run("snapshot", "ground_truth", "--from", "August", "--until", "2013-09-01")


@pytest.mark.parametrize("verb", ["status", "snapshot", "export", "import"])
def test_help_has_an_example(verb):
    assert f"Example: handrail feedback {verb}" in run(verb, "--help").stdout


def test_a_snapshot_of_before_says_that_its_digest_covers_ids_only(project):
    file = project / "events.ndjson"
    file.write_text(lines(OUTCOME, PREDICTION))
    run("import", file)
    taken = json.loads(run("snapshot", "ground_truth", *AUGUST, "--json").stdout)
    fresh = run("status").stdout
    with contextlib.closing(sqlite3.connect(project / "home" / "handrail.db")) as store, store:
        store.execute("update feedback_snapshot set format = 1")

    (old,) = json.loads(run("status", "--json").stdout)["snapshot_list"]

    assert (taken["covers"], old["covers"]) == ("bodies", "ids")
    assert "covers ids only" not in fresh
    assert "covers ids only" in run("status").stdout.replace("\n", " ")


def test_a_window_that_ends_before_it_begins_is_named_by_its_option(project):
    run("import", "-", text=lines(PREDICTION))

    with pytest.raises(InvalidInput, match="^--until: 2013-08-01 is not after --from 2013-09-01"):
        run("snapshot", "ground_truth", "--from", "2013-09-01", "--until", "2013-08-01")
