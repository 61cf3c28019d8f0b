"""Figures of a new project that have to agree with each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.scaffold.defaults import defaults_of
from tests.unit.scaffold.test_rendering import DRAFT


@pytest.mark.parametrize("waited", [timedelta(hours=1), timedelta(days=1), timedelta(days=45)])
def test_the_last_month_is_mature_when_the_last_outcome_is_in(waited: timedelta) -> None:
    draft = replace(DRAFT, outcomes_until=DRAFT.live_until + waited)

    found = defaults_of(draft)

    assert DRAFT.live_until + timedelta(hours=found["maturity_hours"]) <= found["outcomes_until"]
    assert timedelta(hours=found["maturity_hours"]) >= waited


@pytest.mark.parametrize(("kind", "main", "side"), [("binary", "roc_auc", "at_least"), ("count", "rmse", "at_most")])
def test_a_limit_bounds_the_side_on_which_the_metric_is_bad(kind: str, main: str, side: str) -> None:
    found = defaults_of(replace(DRAFT, kind=kind, main_metric=main, limit=0.6))

    assert found["side"] == side
    assert found["margin"] > 0
