"""From flights to answers, with a small real model and stand-ins for features, spool and clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from handrail.entrypoints.bentoml.messages import answer_of
from handrail.entrypoints.bentoml.predictor import Identity, Predictor
from handrail.errors import Unavailable
from handrail.feedback import Prediction
from handrail.readings import Lack, Reading, Why
from handrail.scoring import Answered, Scorer, row_digests
from handrail.use_case import Label, read_use_case
from tests.fakes.permitted_tree import write_tree

NOW = datetime(2013, 8, 1, 7, tzinfo=UTC)
CASE = read_use_case(Path(__file__).parents[2])
IDENTITY = Identity("deploy://local/flights/v1", "mlflow://test/registered/flights/1/1", "flights_v1")


def flights(*miles: float) -> list[dict[str, Any]]:
    return [
        CASE.example | {"flight_id": f"2013-08-01:UA:{number}:0800:EWR", "distance": distance}
        for number, distance in enumerate(miles, 1)
    ]


def look_up(asked: Sequence[Mapping[str, Any]], now: datetime) -> Reading:
    assert now == NOW
    return Reading(
        {
            "carrier": [flight["carrier"] for flight in asked],
            "minute_of_day": [None for _ in asked],
            "temp": [None for _ in asked],
            "distance_miles": [flight["distance"] for flight in asked],
        }
    )


@pytest.fixture
def kept() -> list[Prediction]:
    return []


@pytest.fixture
def predictor(tmp_path: Path, kept: list[Prediction]) -> Predictor:
    scorer = Scorer.load(write_tree(tmp_path / "tree"))
    return Predictor(scorer, look_up, kept.extend, lambda: NOW, IDENTITY, CASE)


def test_there_is_one_answer_a_flight_in_order(predictor: Predictor) -> None:
    answer = predictor.answer(flights(3000, 10, 1500))

    assert [one["flight_id"].split(":")[2] for one in answer["predictions"]] == ["1", "2", "3"]
    chances = [one["probability"] for one in answer["predictions"]]
    assert chances[1] < chances[2] < chances[0]
    assert (answer["deployment"], answer["model_version"]) == (IDENTITY.deployment, IDENTITY.model_version)


def test_what_is_answered_is_what_was_written_down(predictor: Predictor, kept: list[Prediction]) -> None:
    answer = predictor.answer(flights(3000, 10))

    assert [(one.prediction_id, one.subject, one.score, bool(one.label)) for one in kept] == [
        (one["prediction_id"], one["flight_id"], one["probability"], one["late"]) for one in answer["predictions"]
    ]
    assert {(one.made_at, one.deployment, one.feature_service) for one in kept} == {
        (NOW, IDENTITY.deployment, "flights_v1")
    }


def test_the_same_batch_again_gives_the_same_predictions(predictor: Predictor, kept: list[Prediction]) -> None:
    predictor.answer(flights(3000, 10))
    predictor.answer(flights(3000, 10))

    digests = [one.body_digest() for one in kept]
    assert digests[:2] == digests[2:]


def test_another_time_and_another_deployment_give_other_ids(predictor: Predictor, kept: list[Prediction]) -> None:
    other = replace(predictor, identity=replace(IDENTITY, deployment="deploy://local/flights/v2"))
    later = replace(predictor, now=lambda: datetime(2013, 8, 1, 8, tzinfo=UTC), look_up=lambda a, _: look_up(a, NOW))

    for one in (predictor, other, later):
        one.answer(flights(10))

    assert len({one.prediction_id for one in kept}) == 3


def test_without_a_place_to_write_there_is_no_answer(predictor: Predictor) -> None:
    def full(_: Sequence[Prediction]) -> None:
        raise Unavailable("The spool", "No space left on device", "Free the disk.")

    with pytest.raises(Unavailable, match="No space left"):
        replace(predictor, keep=full).answer(flights(10))


def test_an_answer_made_without_features_says_so_and_is_recorded_so(
    predictor: Predictor, kept: list[Prediction]
) -> None:
    lack = Lack("weather", Why.AWAY, ("temp",))

    def without(asked: Sequence[Mapping[str, Any]], now: datetime) -> Reading:
        return Reading(look_up(asked, now).columns, {1: (lack,)})

    first, second = replace(predictor, look_up=without).answer(flights(3000, 10))["predictions"]

    assert "degraded" not in first
    assert second["degraded"] == [{"view": "weather", "why": "away", "features": ["temp"], "defaulted": []}]
    assert [one.degraded for one in kept] == ["", "away:weather"]
    answers = answer_of(CASE).model_validate({"predictions": [first, second], "deployment": "d", "model_version": "v"})
    assert [len(one.degraded) for one in answers.predictions] == [0, 1]  # type: ignore[attr-defined]


def test_a_whole_batch_is_answered(predictor: Predictor) -> None:
    assert len(predictor.answer(flights(*range(1, 5001)))["predictions"]) == 5000


def test_a_row_has_one_digest_however_it_lies_in_memory() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)

    assert row_digests(rows) == row_digests(np.asfortranarray(rows))
    assert len(set(row_digests(rows))) == 3


class OneOfThree:
    """Answers every item with the third class, or a number, at 0.75."""

    def __init__(self, label: int) -> None:
        self.label = label

    def encode(self, columns: Any) -> np.ndarray:
        return np.zeros((len(columns["distance"]), 1), dtype=np.float32)

    def answer_encoded(self, encoded: np.ndarray) -> Answered:
        n = len(encoded)
        return Answered(np.full(n, 0.75, dtype=np.float32), np.full(n, self.label))


@pytest.mark.parametrize(
    ("label", "code", "told"),
    [
        (
            Label(column="ends", kind="multiclass", classes=("home", "draw", "away")),
            2,
            {"probability": 0.75, "ends": "away"},
        ),
        (Label(column="bikes", kind="regression"), 0, {"value": 0.75}),
    ],
)
def test_the_answer_fits_the_kind_of_label(
    label: Label, code: int, told: dict[str, Any], kept: list[Prediction]
) -> None:
    case = CASE.model_copy(update={"label": label})
    scorer = cast("Any", OneOfThree(code))
    predictor = Predictor(
        scorer, lambda asked, _: Reading({"distance": asked}), kept.extend, lambda: NOW, IDENTITY, case
    )

    (answer,) = predictor.answer(flights(10))["predictions"]

    assert {name: value for name, value in answer.items() if name not in ("prediction_id", "flight_id")} == told
    assert (kept[0].score, kept[0].label) == (0.75, code)
