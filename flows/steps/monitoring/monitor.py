"""Monitors one month of production: figures on mature outcomes, reports for people, findings for machines.

A month's record is a function of a feedback snapshot; nothing here decides what follows from a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.monitoring.advice import advice_about
from flows.steps.monitoring.business import Brought, business_finding, check_business_limits, read_brought
from flows.steps.monitoring.config import (
    MonitoringRules,
    check_metric_limits,
    read_monitoring,
)
from flows.steps.monitoring.findings import (
    Batch,
    Finding,
    Health,
    Performance,
    Subject,
    drift_finding,
    health_finding,
    measure,
    performance_finding,
    titled,
)
from flows.steps.monitoring.loss import MonthDrift
from flows.steps.monitoring.month import Forecasts, Month, read_forecasts, read_health, read_month
from flows.steps.monitoring.month_drift import Around, columns_of, find_drift
from flows.steps.monitoring.quality import (
    MonthQuality,
    Trees,
    changed_since,
    check_fairness_limits,
    columns_for_quality,
    contributions,
    fairness_finding,
    month_quality,
    open_trees,
)
from flows.steps.monitoring.quality_report import RETRAINED
from flows.steps.monitoring.report_tables import (
    SUBJECT,
    MonthFeatures,
    Shown,
    read_features,
    read_reference,
    tables_for_reports,
)
from flows.steps.monitoring.reports import MonthTables, RecordedReport, ReportSubject, add_reports
from flows.steps.project.outputs import write_json
from flows.steps.release.served_model import ServedModel, open_model
from handrail.bootstrap import Platform, open_platform
from handrail.errors import UnknownReference
from handrail.monitored import FORMAT, record_file
from handrail.objectives import Objective, read_objectives
from handrail.refs import ArtifactVersion, FeedbackSnapshot
from handrail.settings import Settings
from handrail.statistics import Answers, stability_index
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from handrail.scoring import Scorer


@dataclass(frozen=True)
class Judge:
    """What a month is judged by: the description, the rules, and the model that made the forecasts.

    `batches` are those that a client of the service measured, none if nobody did; `scored` is a folder of whole scored
    months with their features, None without one. `open_trees` loads the trees that a deployment serves; without it
    nobody says what answers were made of.
    """

    settings: Settings
    platform: Platform
    case: UseCase
    rules: MonitoringRules
    objectives: Mapping[str, Objective]
    open_model: Callable[[Settings, str], ServedModel]
    batches: Sequence[Batch] = ()
    scored: Path | None = None
    open_trees: Trees | None = None


def monitor(
    settings: Settings, month: str, batches: Sequence[Batch] = (), scored: Path | None = None
) -> dict[str, Any]:
    """Monitor a month such as `2013-09`; write and return its record. Repeating it changes nothing.

    `batches` are those that a client of the service measured, and `scored` is a folder of whole scored months, as a
    replay leaves both.

    Raises:
        InvalidInput: it is not a month.
        Refused: the month is not mature yet, or no permit covers what was served.
        Unavailable: nothing was forecast, or a store or the workspace cannot be used.
    """
    objectives = read_objectives(settings.config)
    rules, case = read_monitoring(settings.config, objectives), read_use_case(settings.project)
    check_metric_limits(case, objectives)
    check_fairness_limits(case, objectives)
    with open_platform(settings) as platform:
        check_business_limits(rules, platform)
        judge = Judge(settings, platform, case, rules, objectives, open_model, batches, scored, open_trees)
        return judge_month(judge, read_month(month, case.time.zone))


def read_record(settings: Settings, month: str) -> dict[str, Any]:
    """Return what `monitor` wrote about a month.

    Raises:
        UnknownReference: the month was never monitored.
    """
    file = record_file(settings.home, read_month(month).name)
    if not file.is_file():
        raise UnknownReference("monitored month", month, "Run the flow monitor for it first.")
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return record


def judge_month(judge: Judge, month: Month) -> dict[str, Any]:
    """Do what `monitor` says, with what `judge` holds."""
    settings, rules = judge.settings, judge.rules
    forecasts = read_forecasts(judge.platform, month, judge.case)
    model = judge.open_model(settings, forecasts.deployment)
    around = Around(settings, judge.case, rules, model.scorer)
    reference = read_reference(settings, judge.case, rules.reference, model.scorer, model.tree_digest)
    features = _features(judge, month, forecasts, model.scorer)
    moved = find_drift(around, month, forecasts, reference, features)
    figures = _figures(judge, month, forecasts, reference, moved)
    tables = _tables(judge, forecasts, reference, model.scorer, features)
    quality = _quality(judge, month, forecasts, features, model.scorer)
    brought = read_brought(judge.platform, rules, month, forecasts)
    found = _findings(judge, month, forecasts, Measured(figures, quality, brought))
    findings = [finding.as_json() for finding in found]
    alarming = tuple(finding["kind"] for finding in findings if finding["state"] == "alert")
    marked = tuple(kind for kind in RETRAINED if kind in alarming)
    about = ReportSubject(month.name, forecasts.as_of, forecasts.snapshot, forecasts.deployment, marked)
    reports = add_reports(settings.home / "evidently", tables, about, rules, judge.case)
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
        "reports_project": rules.reports.project,
        **figures.as_json(),
        **quality.as_json(),
        "business": {each.kind: each.as_json() for each in brought},
        "figures": titled(figures.performance, judge.case),
        "features_from": features.origin,
        "features_missing": features.reason,
        "columns_not_in_model": sorted(set(rules.reports.columns) - set(model.scorer.features)),
        "reports": [asdict(report) | {"tests": dict(report.tests)} for report in reports],
        "findings": findings,
        "advice": advice_about(judge.platform, forecasts.snapshot, findings, judge.case.subject.many),
    }
    write_json(record_file(settings.home, month.name), record)
    return record


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one month."""

    performance: Performance
    score_psi: float
    health: Health
    moved: MonthDrift | None

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values, by their subject."""
        return {
            "performance": self.performance.as_json(),
            "drift": {"score_psi": self.score_psi} | (self.moved.as_json() if self.moved else {}),
            "health": asdict(self.health),
        }


def _figures(
    judge: Judge, month: Month, forecasts: Forecasts, reference: pl.DataFrame, moved: MonthDrift | None
) -> Figures:
    rows = forecasts.rows
    labels = rows["outcome"].fill_null(float("nan")).to_numpy()
    answers = Answers(rows["score"].to_numpy(), rows["predicted"].to_numpy())
    return Figures(
        measure(answers, labels, rows["mature"].to_numpy(), forecasts.as_of, judge.case.label.kind),
        stability_index(reference["score"].to_numpy(), rows["score"].to_numpy(), judge.rules.drift.bins),
        read_health(judge.batches, month, rows),
        moved,
    )


def _quality(judge: Judge, month: Month, forecasts: Forecasts, features: MonthFeatures, scorer: Scorer) -> MonthQuality:
    """Compare groups, and say what the answers were made of and how that changed since the month before."""
    made_of = contributions(judge.settings, forecasts, features, scorer, judge.open_trees)
    if made_of:
        before = f"{month.first - timedelta(days=1):%Y-%m}"
        made_of |= {"change": changed_since(judge.settings, before, made_of)}
    return month_quality(judge.case, forecasts, features, made_of)


@dataclass(frozen=True, slots=True)
class Measured:
    """All that findings about a month are drawn from."""

    figures: Figures
    quality: MonthQuality
    brought: list[Brought]


def _findings(judge: Judge, month: Month, forecasts: Forecasts, measured: Measured) -> tuple[Finding, ...]:
    """Draw the findings; there is none about what nobody measured."""
    rules, objectives, figures = judge.rules, judge.objectives, measured.figures
    subject = Subject(judge.settings.model_name, month.name, forecasts.as_of, forecasts.snapshot)
    found = (
        drift_finding(subject, figures.score_psi, rules, objectives, figures.moved),
        performance_finding(subject, figures.performance, judge.case, rules, objectives),
        business_finding(subject, measured.brought, rules, objectives),
        health_finding(subject, figures.health, rules, objectives),
        fairness_finding(subject, measured.quality, judge.case, objectives),
    )
    return tuple(finding for finding in found if finding is not None)


def _features(judge: Judge, month: Month, forecasts: Forecasts, scorer: Scorer) -> MonthFeatures:
    """Return the month's features: those that reports show, and those whose drift and quality is judged."""
    shown = _shown(judge, scorer)
    moved = [name for name in columns_of(judge.rules, scorer) if name not in shown]
    wanted = dict.fromkeys((*shown, *moved, *columns_for_quality(scorer, (*shown, *moved))))
    asked = Shown(tuple(wanted), scorer.feature_service["name"], judge.scored)
    return read_features(judge.settings, judge.case, month, forecasts.rows, asked)


def _shown(judge: Judge, scorer: Scorer) -> tuple[str, ...]:
    return tuple(name for name in judge.rules.reports.columns if name in scorer.features)


def _tables(
    judge: Judge, forecasts: Forecasts, reference: pl.DataFrame, scorer: Scorer, features: MonthFeatures
) -> MonthTables:
    """Return what the reports are made of."""
    shown = _shown(judge, scorer)
    rows = None if features.rows is None else features.rows.select(SUBJECT, *shown)
    current, compared, judged = tables_for_reports(forecasts, rows, reference.select("score", *shown))
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
