"""Messages that follow from a description: what is taken, what is refused, what is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from handrail.entrypoints.bentoml.messages import answer_of, item_of, items_of
from handrail.use_case import UseCase

REQUEST: dict[str, dict[str, Any]] = {
    "order": {"type": "text", "example": "o1", "pattern": "^o[0-9]+$"},
    "asked": {"type": "moment", "example": "2024-01-01T10:00:00Z"},
    "pieces": {"type": "whole", "at_least": 1, "at_most": 9, "example": 2},
    "weight": {"type": "number", "at_least": 0, "example": 0.5, "nullable": True},
    "gift": {"type": "truth", "example": False},
}
GOOD = {"order": "o1", "asked": "2024-01-01T10:00:00Z", "pieces": 2, "weight": 0.5, "gift": False}
LABELS: dict[str, dict[str, Any]] = {
    "binary": {"positive": "returned", "negative": "kept"},
    "multiclass": {"classes": ["slow", "fine", "quick"]},
    "regression": {"unit": "days"},
}
MAIN = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}


def case_of(kind: str) -> UseCase:
    return UseCase.model_validate(
        {
            "version": 1,
            "name": "shop",
            "question": "Will it come back?",
            "subject": {"column": "order", "one": "order", "many": "orders"},
            "time": {"event": "asked", "known": "told"},
            "label": {"column": "outcome", "kind": kind, **LABELS[kind]},
            "request": REQUEST,
            "features": {"default": "all", "sets": {"all": "shop_v1"}},
            "metrics": {"main": MAIN[kind], "margin": 0.1},
        }
    )


CASE = case_of("binary")
ITEMS = TypeAdapter(items_of(CASE, item_of(CASE)))


def test_the_examples_of_the_description_are_a_whole_item() -> None:
    item = item_of(CASE)

    example = item.model_config["json_schema_extra"]["example"]  # type: ignore[index, call-overload]

    assert vars(item.model_validate_json(json.dumps(example)))["pieces"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"order": "1"}, "order"),
        ({"order": None}, "order"),
        ({"asked": "2024-01-01T10:00:00"}, "asked"),
        ({"asked": "0001-01-01T10:00:00Z"}, "asked"),
        ({"pieces": 0}, "pieces"),
        ({"pieces": 2.5}, "pieces"),
        ({"pieces": "2"}, "pieces"),
        ({"weight": -1}, "weight"),
        ({"weight": "heavy"}, "weight"),
        ({"gift": 1}, "gift"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_a_field_may_not_hold_is_refused_by_its_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ITEMS.validate_json(json.dumps([GOOD | change]))

    assert [error["loc"][:2] for error in caught.value.errors()] == [(0, field)]


def test_a_nullable_field_may_be_null_and_may_not_be_missing() -> None:
    ITEMS.validate_json(json.dumps([GOOD | {"weight": None}]))
    without = {name: value for name, value in GOOD.items() if name != "weight"}

    with pytest.raises(ValidationError, match="weight"):
        ITEMS.validate_json(json.dumps([without]))


def test_a_subject_is_asked_about_once_and_somebody_at_least() -> None:
    with pytest.raises(ValidationError, match="o1 is in it twice"):
        ITEMS.validate_json(json.dumps([GOOD, GOOD]))
    with pytest.raises(ValidationError):
        ITEMS.validate_json("[]")


@pytest.mark.parametrize(
    ("kind", "answered"),
    [
        ("binary", {"probability": 0.7, "outcome": True}),
        ("multiclass", {"probability": 0.5, "outcome": "fine"}),
        ("regression", {"value": 3.5}),
    ],
)
def test_an_answer_has_what_its_kind_of_label_says(kind: str, answered: dict[str, Any]) -> None:
    whole = {
        "predictions": [{"prediction_id": "p", "order": "o1", **answered, "slot": "two", "degraded": []}],
        "deployment": "deploy://local/shop/1",
        "model_version": "model://shop/1",
    }

    assert answer_of(case_of(kind)).model_validate(whole).model_dump() == whole


def test_where_nobody_says_who_answered_it_was_the_champion() -> None:
    alone = {
        "predictions": [{"prediction_id": "p", "order": "o1", "value": 1.5}],
        "deployment": "d",
        "model_version": "m",
    }

    assert answer_of(case_of("regression")).model_validate(alone).model_dump()["predictions"][0]["slot"] == "champion"
