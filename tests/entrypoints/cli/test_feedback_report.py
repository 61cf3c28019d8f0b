"""`handrail feedback report`, as a user types it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.feedback import Prediction
from tests.fakes.command import handrail_command

CONFIG = Path(__file__).resolve().parents[3] / "config"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FOUR = "2026-11-23T16:00Z"


@pytest.fixture
def handrail(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    shutil.copy(CONFIG / "feedback.yaml", tmp_path / "config")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    with open_platform() as platform:
        platform.feedback.record_predictions([Prediction("p1", "deploy://local/e/1", "cup-1", NOON, 0.5, 1)])
    return handrail_command(monkeypatch, capsys, "feedback")


def about(prediction_id):
    with open_platform() as platform:
        return [(each.value, each.revision, each.source) for each in platform.feedback.feedback_about(prediction_id)]


def test_an_outcome_is_recorded_once(handrail):
    first = handrail("report", "p1", 1, "--at", FOUR, "--source", "workshop")
    again = handrail("report", "p1", 1, "--at", FOUR, "--source", "workshop", "--json")

    assert (first[:2], first[2]) == ((0, "Recorded.\n"), "")
    assert json.loads(again[1])["repeated"] == 1
    assert about("p1") == [(1.0, 0, "workshop")]


def test_a_correction_and_a_withdrawal_are_revisions(handrail):
    handrail("report", "p1", 1)
    handrail("report", "p1", 0, "--revision", 1)
    handrail("report", "p1", "--retract", "--revision", 2)

    assert [value for value, *_ in about("p1")] == [1.0, 0.0, None]


def test_an_outcome_may_name_the_subject(handrail):
    assert handrail("report", "cup-1", 1, "--by-subject")[0] == 0

    assert about("p1") == [(1.0, 0, "command-line")]


def test_an_outcome_before_its_prediction_is_kept_and_said(handrail):
    code, out, said = handrail("report", "p2", 1)

    assert (code, out) == (0, "Recorded.\n")
    assert "No prediction p2 is recorded yet" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("p1",), "VALUE: give it, or --retract"),
        (("p1", 1, "--retract"), "VALUE: give it, or --retract"),
        (("p1", 7), "value: 7.0 is not a ground_truth"),
        (("p1", "nan"), "value: nan is not a finite number"),
        (("p1", 1, "--kind", "weather"), "kind: no kind named 'weather'. Declared in config/feedback.yaml: ground"),
        (("p1", 1, "--at", "noon"), "--at: 'noon' is not a moment"),
    ],
)
def test_what_is_wrong_is_named(handrail, words, sentence):
    code, _, said = handrail("report", *words)

    assert (code, about("p1")) == (1, [])
    assert sentence in said
