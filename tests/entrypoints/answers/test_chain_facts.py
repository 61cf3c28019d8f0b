"""What is known beside a trace: words for predictions and outcomes, and nothing that fails for what is not there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.entrypoints.answers.chain_facts import answer_of, label_word
from handrail.feedback import Prediction
from handrail.use_case import read_use_case

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLIGHTS = read_use_case(Path(__file__).resolve().parents[3])


def a_prediction(score, label):
    return Prediction("p1", "deploy://local/flights/1", "one", NOON, score, label)


def a_case(**label):
    return FLIGHTS.model_copy(update={"label": FLIGHTS.label.model_copy(update=label)})


@pytest.mark.parametrize(
    ("case", "score", "label", "sentence"),
    [
        (FLIGHTS, 0.0919, 0, "0.092, not called late"),
        (FLIGHTS, 0.5, 1, "0.500, called late"),
        (None, 0.5, 1, "0.5, label 1"),
        (a_case(positive=None, negative=None, classes=("a", "b", "c")), 0.7, 2, "0.700, called c"),
        (a_case(positive=None, negative=None, classes=("a", "b", "c")), 0.7, 7, "0.7, label 7"),
        (a_case(positive=None, negative=None, unit="bikers"), 412.25, 412, "412.2 bikers"),
        (a_case(positive=None, negative=None), 412.25, 412, "412.2, label 412"),
    ],
)
def test_a_prediction_is_said_in_the_words_of_its_project(case, score, label, sentence):
    assert answer_of(a_prediction(score, label), case) == sentence


@pytest.mark.parametrize(("label", "word"), [(1.0, "late"), (0.0, "punctual"), (0.5, ""), (2.0, ""), (-1.0, "")])
def test_a_label_has_the_word_of_the_project_if_it_has_one(label, word):
    assert label_word(FLIGHTS, label) == word
