"""The commands of a written README: what they send is what the service takes, whatever the columns hold."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from handrail.entrypoints.bentoml.messages import item_of, items_of
from handrail.entrypoints.http.feedback_messages import FeedbackMessage
from handrail.scaffold.draft import Column, Draft
from handrail.scaffold.rendering import TEMPLATE, rendered
from handrail.use_case import UseCase
from tests.unit.scaffold.test_rendering import DRAFT

ORDER = Column("Order No", "order_no", "text", nullable=False, example="o'1")
ORDERED = Column("ordered", "ordered", "moment", nullable=False, example="2021-01-01T00:00:00Z")
BUYER = Column("buyer", "buyer", "whole", nullable=False, low=0, high=9, example=7)
FEATURES = (
    Column("note", "note", "text", nullable=True, example='it\'s "$HOME" {{ x }} `ls` \\ \n é'),
    Column("gift", "gift", "truth", nullable=False, example=False),
    Column("pieces", "pieces", "whole", nullable=False, low=0.0, high=9.0, example=3),
    *(Column(f"n {each}", f"n_{each}", "number", nullable=False, low=0.0, high=2.0, example=1.5) for each in range(20)),
)
KNOWN = replace(
    DRAFT, subject=ORDER, one="order", many="orders", time=ORDERED, entities=(BUYER,), features=(*FEATURES, BUYER)
)


def _files(draft: Draft) -> dict[str, str]:
    return {path.as_posix(): content.decode() for path, content in rendered(draft, TEMPLATE) if path.suffix != ".py"}


def _sent(readme: str, route: str) -> Any:
    """Return what the curl to a route sends, as a shell reads the command."""
    command = re.search(rf"^    curl [^\n]*/{route} .*?(?=\n\n)", readme, re.MULTILINE | re.DOTALL)
    assert command, route
    words = shlex.split(command[0])
    assert words[-2] == "--json"
    return json.loads(words[-1])


@pytest.mark.parametrize("draft", [DRAFT, KNOWN], ids=["numbered rows", "every type"])
def test_the_request_of_the_readme_is_one_that_the_service_takes(draft: Draft) -> None:
    files = _files(draft)
    case = UseCase.model_validate(yaml.safe_load(files["config/use_case.yaml"]))

    body = _sent(files["README.md"], "predict")

    (item,) = body[draft.many]
    assert item == {name: field.example for name, field in case.request.items()}
    TypeAdapter(items_of(case, item_of(case))).validate_json(json.dumps([item]))


@pytest.mark.parametrize(
    ("kind", "changes", "value"),
    [
        ("binary", {}, 1),
        ("multiclass", {"positive": None, "negative": None, "classes": ("a", "b", "c"), "main_metric": "accuracy"}, 0),
        ("regression", {"positive": None, "negative": None, "main_metric": "rmse"}, 2.5),
    ],
)
def test_the_outcome_of_the_readme_is_one_that_feedback_takes(kind: str, changes: dict[str, Any], value: float) -> None:
    label = DRAFT.label if kind == "binary" else replace(DRAFT.label, type="number", example=2.5)

    body = _sent(_files(replace(KNOWN, kind=kind, label=label, **changes))["README.md"], "api/feedback")

    assert FeedbackMessage.model_validate_json(json.dumps(body)).value == value


def test_the_readme_explains_bounds_and_how_long_an_outcome_is_waited_for() -> None:
    late = replace(DRAFT, outcomes_until=datetime(2022, 1, 11, tzinfo=UTC))

    readme = " ".join(_files(late)["README.md"].split())

    assert "outside of `at_least` and `at_most` under `request` of `config/use_case.yaml` is refused" in readme
    assert "`maturity_window_hours` of `config/feedback.yaml` (240) is how long an outcome is waited for" in readme
    assert "in whole days, and at least 48." in readme
