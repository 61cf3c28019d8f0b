"""The drift of one month by the rules of the project: what changed, and what it costs where something did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.monitoring.config import MonitoringRules
from flows.steps.monitoring.drift import DAY, SCORE, judge_drift
from flows.steps.monitoring.loss import MonthDrift, loss_of
from flows.steps.monitoring.month import Forecasts, Month, read_month
from flows.steps.monitoring.report_tables import SUBJECT, MonthFeatures, read_validated, with_days
from handrail.monitored import record_file
from handrail.settings import Settings
from handrail.use_case import UseCase

if TYPE_CHECKING:
    from handrail.scoring import Scorer


@dataclass(frozen=True)
class Around:
    """Where a month is judged and by what."""

    settings: Settings
    case: UseCase
    rules: MonitoringRules
    scorer: Scorer


def columns_of(rules: MonitoringRules, scorer: Scorer) -> tuple[str, ...]:
    """Return the features whose drift is judged, of those that the model has."""
    chosen = rules.drift.columns if rules.drift.columns is not None else rules.reports.columns
    return tuple(name for name in chosen if name in scorer.features)


def find_drift(
    around: Around, month: Month, forecasts: Forecasts, reference: pl.DataFrame, features: MonthFeatures
) -> MonthDrift | None:
    """Return what changed against the reference within the budget; None without a budget."""
    limits = around.rules.drift
    if limits.budget is None:
        return None
    days = with_days(forecasts.rows, around.case)
    columns = columns_of(around.rules, around.scorer) if features.rows is not None else ()
    current = days.select(SUBJECT, DAY, SCORE)
    if features.rows is not None:
        current = current.join(features.rows.select(SUBJECT, *columns), on=SUBJECT, how="inner")
    earlier = [_entry(around.settings, name) for name in _months_before(month, limits.look_back - 1)]
    drift = judge_drift(
        reference.select(DAY, SCORE, *columns), current.drop(SUBJECT), earlier, limits.budget, limits.unit_days
    )
    if not drift.named:
        return MonthDrift(drift, None)
    rows = days.select(DAY, "score", "predicted", "outcome")
    return MonthDrift(drift, loss_of(around.case, lambda: _validated(around), rows))


def _validated(around: Around) -> pl.DataFrame | None:
    return read_validated(around.settings, around.case, around.scorer)


def _months_before(month: Month, count: int) -> list[str]:
    """Return the names of the months before, oldest first."""
    names: list[str] = []
    for _ in range(count):
        month = read_month(f"{month.first - timedelta(days=1):%Y-%m}", month.zone)
        names.insert(0, month.name)
    return names


def _entry(settings: Settings, name: str) -> Mapping[str, Any]:
    """Return what the record of a month says about drift; empty without one."""
    try:
        record = json.loads(record_file(settings.home, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entry = record.get("drift") if isinstance(record, dict) else None
    return entry if isinstance(entry, dict) else {}
