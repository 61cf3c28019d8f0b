"""What a month's drift costs: how much worse the metric that decides is expected to be than when it was validated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl

from flows.steps.monitoring.drift import Drift
from handrail.statistics import ESTIMATED, METRICS_OF, Intervals, Scored, estimate_change, judgeable
from handrail.use_case import UseCase

INTERVALS = Intervals(draws=40, seed=0)


@dataclass(frozen=True, slots=True)
class Loss:
    """By how much the metric got worse, above 0 if it did, with the interval of 95 % where it is estimated.

    `basis` says how it is known: `estimated` from scores before labels (CBPE), or `realised` on mature labels, where
    the label or the metric cannot be estimated. `value` is None with the `reason`.
    """

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    basis: Literal["estimated", "realised"] | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the loss as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class MonthDrift:
    """What changed in a month; `loss` is None where nothing did, or nobody judged it within a budget."""

    drift: Drift
    loss: Loss | None

    def as_json(self) -> dict[str, Any]:
        """Return both as JSON values."""
        return self.drift.as_json() | {"loss": self.loss.as_json() if self.loss else None}


def loss_of(case: UseCase, validated: Callable[[], pl.DataFrame | None], month: pl.DataFrame) -> Loss:
    """Compare a month with the rows on which the model was validated.

    `month` holds `score`, `predicted`, `outcome` (null if not known) and `local_day`, and so do the validated rows,
    whose outcomes are known; they are asked for only here, and None where there are none.
    """
    metric = case.main_metric
    rows = validated()
    known = None if rows is None else rows.drop_nulls("outcome")
    if known is None or known.is_empty() or not judgeable(case.label.kind, known["outcome"].to_numpy()):
        return Loss(metric.name, reason="there are no labelled rows of validation to learn from what a score means")
    sign = -1.0 if metric.better == "higher" else 1.0
    if case.label.kind == "binary" and metric.name in {each.name for each in ESTIMATED}:
        change = estimate_change(metric.name, _scored(known), _answers(known), _answers(month), INTERVALS)
        low, high = sorted((sign * change.low, sign * change.high))
        return Loss(metric.name, sign * change.value, low, high, "estimated")
    judged = month.drop_nulls("outcome")
    if judged.is_empty() or not judgeable(case.label.kind, judged["outcome"].to_numpy()):
        return Loss(metric.name, reason="no outcome of the month is known")
    figure = next(each for each in METRICS_OF[case.label.kind] if each.name == metric.name)
    before, after = (
        float(figure.values(scored, np.ones((1, scored.clusters)))[0]) for scored in (_scored(known), _scored(judged))
    )
    return Loss(metric.name, sign * (after - before), basis="realised")


def _answers(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows["score"].to_numpy().astype(np.float64), rows["predicted"].to_numpy().astype(np.int64)


def _scored(rows: pl.DataFrame) -> Scored:
    """Return rows clustered by days, which share their outcomes."""
    days = [day.toordinal() if isinstance(day, date) else 0 for day in rows["local_day"]]
    cluster = np.unique(np.array(days), return_inverse=True)[1].ravel()
    score, predicted = _answers(rows)
    return Scored(score, rows["outcome"].cast(pl.Float64).to_numpy(), cluster, predicted)
