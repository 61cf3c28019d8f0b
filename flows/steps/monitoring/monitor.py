"""Monitors one month of production: figures on mature outcomes, reports for people, findings for machines.

A month's record is a function of a feedback snapshot; nothing here decides what follows from a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.monitoring.config import MonitoringRules, read_monitoring, read_objectives
from flows.steps.monitoring.findings import (
    Finding,
    Health,
    Performance,
    Subject,
    drift_finding,
    health_finding,
    measure,
    performance_finding,
)
from flows.steps.monitoring.month import (
    Forecasts,
    Month,
    read_features,
    read_forecasts,
    read_health,
    read_month,
    read_reference,
    tables_for_reports,
)
from flows.steps.monitoring.reports import MonthTables, RecordedReport, ReportSubject, add_reports
from flows.steps.project.outputs import write_json
from flows.steps.replay.bulk import Model, open_model
from handrail.bootstrap import Platform, open_platform
from handrail.errors import UnknownReference
from handrail.refs import ArtifactVersion, FeedbackSnapshot
from handrail.settings import Settings
from handrail.statistics import stability_index

if TYPE_CHECKING:
    from handrail.scoring import Scorer

FORMAT = "handrail.month/1"


@dataclass(frozen=True)
class Judge:
    """What a month is judged by: the rules, the project's training rows, and the model that made the forecasts."""

    settings: Settings
    platform: Platform
    rules: MonitoringRules
    open_model: Callable[[Settings, str], Model]


def monitor(settings: Settings, month: str) -> dict[str, Any]:
    """Monitor a month such as `2013-09`; write and return its record. Repeating it changes nothing.

    Raises:
        InvalidInput: it is not a month.
        Refused: the month is not mature yet, or no permit covers what was served.
        Unavailable: nothing was forecast, or a store or the workspace cannot be used.
    """
    rules = read_monitoring(settings.config)
    with open_platform(settings) as platform:
        return judge_month(Judge(settings, platform, rules, open_model), read_month(month))


def read_record(settings: Settings, month: str) -> dict[str, Any]:
    """Return what `monitor` wrote about a month.

    Raises:
        UnknownReference: the month was never monitored.
    """
    file = _record_file(settings, read_month(month))
    if not file.is_file():
        raise UnknownReference("monitored month", month, "Run the flow monitor for it first.")
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return record


def judge_month(judge: Judge, month: Month) -> dict[str, Any]:
    """Do what `monitor` says, with what `judge` holds."""
    settings, rules = judge.settings, judge.rules
    forecasts = read_forecasts(judge.platform, month)
    model = judge.open_model(settings, forecasts.deployment)
    reference = read_reference(settings, rules.reference, model.scorer, model.tree_digest)
    figures = _figures(judge, month, forecasts, reference)
    tables = _tables(judge, month, forecasts, reference, model.scorer)
    about = ReportSubject(month.name, forecasts.as_of, forecasts.snapshot, forecasts.deployment)
    reports = add_reports(settings.home / "evidently", tables, about, rules)
    _record_lineage(judge, forecasts, reports)
    record = {
        "format": FORMAT,
        "model": settings.model_name,
        "month": month.name,
        "as_of": forecasts.as_of.isoformat(),
        "snapshot": forecasts.snapshot,
        "deployment": forecasts.deployment,
        "forecasts_of_other_deployments": forecasts.others,
        "reference": rules.reference,
        **figures.as_json(),
        "columns_not_in_model": sorted(set(rules.reports.columns) - set(model.scorer.features)),
        "reports": [asdict(report) | {"tests": dict(report.tests)} for report in reports],
        "findings": [finding.as_json() for finding in _findings(judge, month, forecasts, figures)],
    }
    write_json(_record_file(settings, month), record)
    return record


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one month."""

    performance: Performance
    score_psi: float
    health: Health

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values, by their subject."""
        performance = asdict(self.performance) | {"as_of": self.performance.as_of.isoformat()}
        return {"performance": performance, "drift": {"score_psi": self.score_psi}, "health": asdict(self.health)}


def _figures(judge: Judge, month: Month, forecasts: Forecasts, reference: pl.DataFrame) -> Figures:
    rows = forecasts.rows
    labels = rows["late"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    scores = rows["score"].to_numpy()
    return Figures(
        measure(scores, labels, rows["mature"].to_numpy(), forecasts.as_of),
        stability_index(reference["score"].to_numpy(), scores, judge.rules.drift.bins),
        read_health(judge.settings, month, rows),
    )


def _findings(judge: Judge, month: Month, forecasts: Forecasts, figures: Figures) -> tuple[Finding, ...]:
    rules, objectives = judge.rules, read_objectives(judge.settings.config)
    subject = Subject(judge.settings.model_name, month.name, forecasts.as_of, forecasts.snapshot)
    return (
        drift_finding(subject, figures.score_psi, rules, objectives),
        performance_finding(subject, figures.performance, rules, objectives),
        health_finding(subject, figures.health, rules, objectives),
    )


def _tables(judge: Judge, month: Month, forecasts: Forecasts, reference: pl.DataFrame, scorer: Scorer) -> MonthTables:
    shown = tuple(name for name in judge.rules.reports.columns if name in scorer.features)
    features = read_features(judge.settings, month, shown)
    current, compared, judged = tables_for_reports(forecasts, features, reference.select("score", *shown))
    names = [name for name in shown if name in current.columns]
    return MonthTables(
        current.to_pandas(),
        compared.to_pandas(),
        judged.to_pandas(),
        tuple(name for name in names if name not in scorer.categorical),
        tuple(name for name in names if name in scorer.categorical),
    )


def alerts(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of a month's record that ask somebody to act."""
    return [finding for finding in record["findings"] if finding["state"] == "alert"]


def _record_lineage(judge: Judge, forecasts: Forecasts, reports: Sequence[RecordedReport]) -> None:
    lineage, project = judge.platform.lineage, judge.rules.reports.project
    snapshot = FeedbackSnapshot(forecasts.snapshot).artifact
    lineage.record_snapshot(snapshot, deployments=[forecasts.deployment])
    for report in reports:
        uri = f"evidently://{project}/report/{report.run_id}"
        lineage.record_report(ArtifactVersion(uri, "report", report.digest, {"name": report.name}), snapshot)


def _record_file(settings: Settings, month: Month) -> Path:
    return settings.home / "monitoring" / "findings" / f"{month.name}.json"
