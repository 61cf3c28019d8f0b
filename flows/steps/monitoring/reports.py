"""Evidently reports of one month, kept in a workspace with a dashboard over time. Findings are drawn elsewhere.

Drift methods are pinned and each test is written out: Evidently picks methods by the number of rows, and drops its
default tests once there is a reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.steps.monitoring.config import MonitoringRules
from flows.steps.monitoring.quality_report import (
    ALERT,
    LIMIT,
    RETRAINED,
    SCORE_BIN,
    About,
    open_project,
    quality_report,
    report_name,
)
from handrail.errors import Unavailable
from handrail.statistics import judgeable
from handrail.tools import require
from handrail.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MonthTables:
    """What the reports of one month are made of.

    `current` and `reference` hold the feature columns and `score`, a row a prediction; `current` holds `known` (1 if
    a mature prediction's outcome is known, 0 if not, NaN if not mature). `judged` holds `score`, `outcome` and
    `predicted` (codes of classes, 0 where numbers are predicted) of the mature predictions whose outcome is known.
    """

    current: pd.DataFrame
    reference: pd.DataFrame
    judged: pd.DataFrame
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """What makes a report this one and no other; reports of one subject are made once.

    `alerts` are the kinds of findings of the month that ask somebody to act: a page marks them.
    """

    month: str
    as_of: datetime
    snapshot: str
    deployment: str
    alerts: tuple[str, ...] = ()

    def metadata(self, rules: MonitoringRules, case: UseCase) -> dict[str, str]:
        """Return what Evidently keeps beside a run; everything that could change its figures is in it."""
        return {
            "month": self.month,
            "as_of": self.as_of.isoformat(),
            "feedback_snapshot": self.snapshot,
            "deployment": self.deployment,
            "reference": rules.reference,
            "sample_rows": str(rules.reports.sample_rows),
            "seed": str(rules.reports.seed),
            "alerts": " ".join(self.alerts),
            "rules": hashlib.sha256(rules_of(rules, case).encode()).hexdigest()[:16],
        }


def rules_of(rules: MonitoringRules, case: UseCase) -> str:
    """Return every limit and method as text."""
    return rules.model_dump_json() + case.metrics.model_dump_json()


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """One Evidently run, called after its month and kind.

    `tests` maps each test to pass or fail, `digest` is the sha256 of its JSON.
    """

    name: str
    run_id: str
    digest: str
    tests: Mapping[str, bool]


def add_reports(
    workspace: Path, tables: MonthTables, subject: ReportSubject, rules: MonitoringRules, case: UseCase
) -> tuple[RecordedReport, ...]:
    """Make a month's drift report and the one of its kind of label, and add them to the workspace, once.

    Raises:
        Unavailable: the workspace cannot be written, or Evidently ran fewer tests than it was asked for.
        MissingTool: Evidently is not installed.
    """
    require("evidently", "evidently")
    from evidently.ui.workspace import Workspace

    try:
        workspace.mkdir(parents=True, exist_ok=True)
        store = Workspace.create(str(workspace))
        project = open_project(store, rules.reports.project, case)
        there = _recorded(store, project.id, subject.metadata(rules, case))
        about = subject.as_of, subject.metadata(rules, case), subject.month
        wanted = {f"{subject.month} drift": partial(_drift_report, tables, rules, about)}
        if judgeable(case.label.kind, tables.judged["outcome"].to_numpy()):
            sample = sampled(tables.judged, rules)
            wanted[f"{subject.month} {report_name(case)}"] = partial(quality_report, sample, case, about)
        return tuple(there.get(name) or _add(store, project.id, name, build) for name, build in wanted.items())
    except OSError as err:
        raise Unavailable(
            f"The Evidently workspace {workspace}", str(err), "Free the disk or correct its rights, and run it again."
        ) from err


def _add(store: Any, project: Any, name: str, build: Callable[[], tuple[Any, int]]) -> RecordedReport:
    report, tests = build()
    if len(report.tests_results) != tests:
        raise Unavailable(
            "Evidently",
            f"its {name} report ran {len(report.tests_results)} tests of {tests}",
            "Check the installed version.",
        )
    return _read(store, project, store.add_run(project, report, name=name).id)


def _read(store: Any, project: Any, run_id: Any) -> RecordedReport:
    from evidently.core.report import Snapshot

    stored = Snapshot.load_model(store.get_run(project, run_id))
    content = stored.json()
    tests = {test["name"]: test["status"] == "SUCCESS" for test in json.loads(content)["tests"]}
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    return RecordedReport(str(stored.get_name()), str(run_id), digest, tests)


def _recorded(store: Any, project: Any, metadata: Mapping[str, str]) -> dict[str, RecordedReport]:
    """Return the runs of exactly this subject by name."""
    same = [
        run_id
        for run_id in store.list_runs(project)
        if metadata.items() <= store.get_run(project, run_id).metadata.items()
    ]
    return {report.name: report for report in (_read(store, project, run_id) for run_id in same)}


def _drift_report(tables: MonthTables, rules: MonitoringRules, about: About) -> tuple[Any, int]:
    """Compare the month's scores and features with the reference; only scores and coverage are tested."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import MeanValue, ValueDrift
    from evidently.tests import gte, lte

    as_of, metadata, month = about
    limit, coverage = rules.drift.score_psi.limit, rules.performance.coverage.limit
    marks = {f"{LIMIT}score_psi": limit, f"{LIMIT}coverage": coverage}
    marks |= {f"{ALERT}{kind}": float(kind in metadata["alerts"].split()) for kind in RETRAINED}
    definition = DataDefinition(
        numerical_columns=[*tables.numeric, "score", "known", *marks],
        categorical_columns=[*tables.categorical, SCORE_BIN],
    )
    inner = np.unique(np.quantile(tables.reference["score"], np.linspace(0, 1, rules.drift.bins + 1)))[1:-1]
    current, reference = (
        Dataset.from_pandas(_prepared(frame, inner, rules).assign(**marks), data_definition=definition)
        for frame in (tables.current, tables.reference.assign(known=1.0))
    )
    report = Report(
        [
            ValueDrift(column=SCORE_BIN, method="psi", threshold=limit, tests=[lte(limit)]),
            MeanValue(column="known", tests=[gte(coverage)]),
            *(MeanValue(column=name) for name in marks),
            *_feature_drift(tables, rules),
        ],
        include_tests=False,
    )
    return report.run(current, reference, timestamp=as_of, metadata=metadata, tags=["drift", month]), 2


def _feature_drift(tables: MonthTables, rules: MonitoringRules) -> list[Any]:
    """Compare every feature that has values on both sides; Evidently fails on a column without any."""
    from evidently.presets import DataDriftPreset

    sides = (tables.current, tables.reference)
    columns = [
        name for name in (*tables.numeric, *tables.categorical) if all(side[name].notna().any() for side in sides)
    ]
    if not columns:
        return []
    return [
        DataDriftPreset(
            columns=columns,
            num_method=rules.reports.numeric.method,
            num_threshold=rules.reports.numeric.threshold,
            cat_method=rules.reports.categorical.method,
            cat_threshold=rules.reports.categorical.threshold,
        )
    ]


def _prepared(frame: pd.DataFrame, inner: Any, rules: MonitoringRules) -> pd.DataFrame:
    """Draw the sample and name the quantile bin of each score, so that Evidently's index has the finding's bins."""
    sample = sampled(frame, rules)
    bins = np.searchsorted(inner, sample["score"], side="right")
    return sample.assign(**{SCORE_BIN: [f"bin {number:02d}" for number in bins]})


def sampled(frame: pd.DataFrame, rules: MonitoringRules) -> pd.DataFrame:
    """Draw at most as many rows as the rules say, always the same ones."""
    rows = min(len(frame), rules.reports.sample_rows)
    return frame.sample(rows, random_state=rules.reports.seed).reset_index(drop=True)
