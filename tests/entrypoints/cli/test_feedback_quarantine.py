"""Rows that could not be recorded: found, repaired and recorded, replayed after a mend, or dropped with a reason."""

import json

import pytest

from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.entrypoints.cli.test_feedback import OUTCOME, PREDICTION, lines, project, run  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("project")


def quarantine(*words):
    return run("quarantine", *words)


def held():
    return json.loads(quarantine("list", "--json").stdout)


def current():
    return json.loads(run("status", "--json").stdout)["feedback"]


def test_a_row_is_repaired_and_recorded():
    run("import", "-", text=lines(PREDICTION, OUTCOME | {"value": 7}))
    (row,) = held()

    with pytest.raises(InvalidInput, match=f"row {row['number']}: value: 3.0 is not a ground_truth"):
        quarantine("repair", row["number"], "--set", "value=3")
    assert [each["state"] for each in held()] == ["open"]
    result = quarantine("repair", row["number"], "--set", "value=1", "--by", "ada")

    assert result.stdout.startswith(f"Row {row['number']} is recorded as ")
    assert (held(), current()) == ([], 1)
    shown = json.loads(quarantine("show", row["number"], "--json").stdout)
    assert (shown["state"], shown["changed_by"], shown["content"]["value"]) == ("replayed", "ada", 1)
    with pytest.raises(Refused, match="It was replayed by ada"):
        quarantine("repair", row["number"], "--set", "value=0")
    assert "Nothing waits" in quarantine("list").stdout
    assert "replayed by ada" in quarantine("list", "--all").stdout


def test_a_conflict_is_recorded_as_a_revision_and_never_as_it_was():
    first = OUTCOME | {"event_id": "mine"}
    run("import", "-", text=lines(PREDICTION, first, first | {"value": 0}))
    (row,) = held()

    result = quarantine("replay", row["number"])
    assert (result.exit_code, "The id 'mine' is there with another body" in result.stderr) == (1, True)
    quarantine("repair", row["number"], "--set", "event_id=second", "--set", "revision=1")

    assert (held(), current()) == ([], 2)


def test_rows_of_a_kind_that_was_not_declared_are_replayed_once_it_is(project):  # noqa: F811
    run("import", "-", text=lines(PREDICTION, OUTCOME | {"kind": "applause", "value": 4}, OUTCOME | {"value": 7}))
    assert quarantine("replay", "--reason", "unknown_kind").exit_code == 1
    file = project / "config" / "feedback.yaml"
    file.write_text(file.read_text() + "  applause: {maturity_window_hours: 1}\n")

    result = quarantine("replay", "--reason", "unknown_kind")

    assert result.exit_code == 0, result.stderr
    assert ([each["reason"] for each in held()], current()) == (["wrong_value"], 1)


def test_many_rows_are_counted_and_those_that_fail_are_named():
    run("import", "-", text=lines(*(OUTCOME | {"value": value} for value in (5, 6, 7))))

    result = quarantine("replay", "--reason", "wrong_value")

    assert (result.exit_code, len(held())) == (1, 3)
    assert "0 recorded, 3 left in quarantine." in result.stdout
    assert result.stderr.count("is not a ground_truth") == 3


def test_a_row_is_dropped_with_a_reason():
    run("import", "-", text="{not json\n")
    (row,) = held()

    quarantine("drop", row["number"], "--because", "a test of the sender", "--by", "ada")

    assert held() == []
    assert "dropped by ada: a test of the sender" in quarantine("show", row["number"]).stdout
    assert '"{not json"' in quarantine("show", row["number"]).stdout
    with pytest.raises(Refused):
        quarantine("drop", row["number"], "--because", "again")


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("show", 99), UnknownReference, "no row named '99'"),
        (("replay",), InvalidInput, "name either rows or a reason"),
        (("replay", 1, "--reason", "conflict"), InvalidInput, "name either rows or a reason"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(words, error, said):
    run("import", "-", text=lines(PREDICTION))

    with pytest.raises(error, match=said):
        quarantine(*words)


def test_a_change_that_names_no_field_and_a_row_without_fields_are_sentences():
    run("import", "-", text="7\n" + lines(OUTCOME | {"value": 7}))
    newest, oldest = held()

    with pytest.raises(InvalidInput, match="'value' names no field. Write FIELD=VALUE"):
        quarantine("repair", newest["number"], "--set", "value")
    with pytest.raises(InvalidInput, match="it is no object with fields"):
        quarantine("repair", oldest["number"], "--set", "value=1")
