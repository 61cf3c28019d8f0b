"""Evidently reports of one month, kept in a workspace with a dashboard over time. Findings are drawn elsewhere.

Drift methods are pinned and each test is written out: Evidently picks methods by the number of rows, and drops its
default tests once there is a reference.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.steps.monitoring.config import MonitoringRules
from handrail.errors import Unavailable
from handrail.tools import require

if TYPE_CHECKING:
    import pandas as pd

SCORE_BIN = "score_bin"


@dataclass(frozen=True)
class MonthTables:
    """What the reports of one month are made of.

    `current` and `reference` hold the feature columns and `score`, a row a prediction; `current` holds `known` (1 if
    a mature prediction's outcome is known, 0 if not, NaN if not mature). `judged` holds `score`, `late` and
    `forecast` (0 or 1) of the mature predictions whose outcome is known.
    """

    current: pd.DataFrame
    reference: pd.DataFrame
    judged: pd.DataFrame
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """What makes a report this one and no other; reports of one subject are made once."""

    month: str
    as_of: datetime
    snapshot: str
    deployment: str

    def metadata(self, rules: MonitoringRules) -> dict[str, str]:
        """Return what Evidently keeps beside a run; everything that could change its figures is in it."""
        return {
            "month": self.month,
            "as_of": self.as_of.isoformat(),
            "feedback_snapshot": self.snapshot,
            "deployment": self.deployment,
            "reference": rules.reference,
            "sample_rows": str(rules.reports.sample_rows),
            "seed": str(rules.reports.seed),
            "rules": hashlib.sha256(rules.model_dump_json().encode()).hexdigest()[:16],
        }


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """One Evidently run: `tests` maps each test to pass or fail, `digest` is the sha256 of its JSON."""

    name: str
    run_id: str
    digest: str
    tests: Mapping[str, bool]


def add_reports(
    workspace: Path, tables: MonthTables, subject: ReportSubject, rules: MonitoringRules
) -> tuple[RecordedReport, ...]:
    """Make the drift and the classification report of a month and add them to the workspace, once.

    Raises:
        Unavailable: the workspace cannot be written, or Evidently ran fewer tests than it was asked for.
        MissingTool: Evidently is not installed.
    """
    require("evidently", "evidently")
    from evidently.ui.workspace import Workspace

    try:
        workspace.mkdir(parents=True, exist_ok=True)
        store = Workspace.create(str(workspace))
        project = _project(store, rules.reports.project)
        there = _recorded(store, project.id, subject.metadata(rules))
        made = []
        for name, build in (("drift", _drift_report), ("classification", _classification_report)):
            if name == "classification" and tables.judged["late"].nunique() < 2:
                continue
            made.append(there.get(name) or _add(store, project.id, name, build(tables, subject, rules)))
        return tuple(made)
    except OSError as err:
        raise Unavailable(
            f"The Evidently workspace {workspace}", str(err), "Free the disk or correct its rights, and run it again."
        ) from err


def _add(store: Any, project: Any, name: str, report: Any) -> RecordedReport:
    if len(report.tests_results) != _TESTS[name]:
        raise Unavailable(
            "Evidently",
            f"its {name} report ran {len(report.tests_results)} tests of {_TESTS[name]}",
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


_TESTS = {"drift": 2, "classification": 1}


def _drift_report(tables: MonthTables, subject: ReportSubject, rules: MonitoringRules) -> Any:
    """Compare the month's scores and features with the reference; only scores and coverage are tested."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import MeanValue, ValueDrift
    from evidently.tests import gte, lte

    definition = DataDefinition(
        numerical_columns=[*tables.numeric, "score", "known"], categorical_columns=[*tables.categorical, SCORE_BIN]
    )
    inner = np.unique(np.quantile(tables.reference["score"], np.linspace(0, 1, rules.drift.bins + 1)))[1:-1]
    current, reference = (
        Dataset.from_pandas(_prepared(frame, inner, rules), data_definition=definition)
        for frame in (tables.current, tables.reference.assign(known=1.0))
    )
    limit, coverage = rules.drift.score_psi.limit, rules.performance.coverage.limit
    report = Report(
        [
            ValueDrift(column=SCORE_BIN, method="psi", threshold=limit, tests=[lte(limit)]),
            MeanValue(column="known", tests=[gte(coverage)]),
            *_feature_drift(tables, rules),
        ],
        include_tests=False,
    )
    return report.run(
        current, reference, timestamp=subject.as_of, metadata=subject.metadata(rules), tags=["drift", subject.month]
    )


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
    sample = _sampled(frame, rules)
    bins = np.searchsorted(inner, sample["score"], side="right")
    return sample.assign(**{SCORE_BIN: [f"bin {number:02d}" for number in bins]})


def _sampled(frame: pd.DataFrame, rules: MonitoringRules) -> pd.DataFrame:
    rows = min(len(frame), rules.reports.sample_rows)
    return frame.sample(rows, random_state=rules.reports.seed).reset_index(drop=True)


def _classification_report(tables: MonthTables, subject: ReportSubject, rules: MonitoringRules) -> Any:
    """Judge the forecasts of mature flights with a known outcome."""
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.metrics import MeanValue
    from evidently.presets import ClassificationPreset
    from evidently.tests import gte
    from sklearn.exceptions import UndefinedMetricWarning

    definition = DataDefinition(
        numerical_columns=["outcome", "probability"],
        classification=[
            BinaryClassification(target="late", prediction_labels="forecast", prediction_probas="score", pos_label=1)
        ],
    )
    sample = _sampled(tables.judged, rules)
    sample = sample.assign(outcome=sample["late"].astype(float), probability=sample["score"])
    report = Report(
        [
            ClassificationPreset(rocauc_tests=[gte(rules.performance.roc_auc.limit)]),
            MeanValue(column="outcome"),
            MeanValue(column="probability"),
        ],
        include_tests=False,
    )
    with warnings.catch_warnings():
        # A month may pass without a forecast of a late landing; its precision is shown as 0.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return report.run(
            Dataset.from_pandas(sample, data_definition=definition),
            timestamp=subject.as_of,
            metadata=subject.metadata(rules),
            tags=["classification", subject.month],
        )


def _project(store: Any, name: str) -> Any:
    """Return the workspace's project of that name with its dashboard; both are made at the first use."""
    found = store.search_project(name)
    project = found[0] if found else store.create_project(name, "Forecasts in production, month by month")
    if not project.dashboard.model().panels:
        for title, kind, lines in _PANELS:
            project.dashboard.add_panel(_panel(title, kind, lines))
    return project


def _panel(title: str, kind: str, lines: tuple[tuple[str, str, dict[str, str]], ...]) -> Any:
    from evidently.sdk.models import DashboardPanelPlot, PanelMetric

    values = [PanelMetric(legend=legend, metric=metric, metric_labels=labels) for legend, metric, labels in lines]
    return DashboardPanelPlot(title=title, subtitle="", size="half", values=values, plot_params={"plot_type": kind})


_PANELS: tuple[tuple[str, str, tuple[tuple[str, str, dict[str, str]], ...]], ...] = (
    ("Shift of the scores (PSI)", "bar", (("score PSI", "ValueDrift", {"column": SCORE_BIN}),)),
    ("Ranking of mature flights", "line", (("ROC-AUC", "RocAuc", {}),)),
    (
        "Late flights, and what was forecast",
        "line",
        (
            ("share late", "MeanValue", {"column": "outcome"}),
            ("mean probability", "MeanValue", {"column": "probability"}),
        ),
    ),
    ("Log loss", "line", (("log loss", "LogLoss", {}),)),
    ("Features that moved (no alarm)", "bar", (("share", "DriftedColumnsCount", {"value_type": "share"}),)),
    ("Known outcomes", "line", (("coverage", "MeanValue", {"column": "known"}),)),
)
