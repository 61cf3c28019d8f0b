from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.steps.monitoring.config import read_monitoring
from flows.steps.monitoring.reports import MonthTables, ReportSubject, add_reports
from handrail.errors import Unavailable
from handrail.statistics import stability_index
from handrail.use_case import Label, Limit, Metrics, read_use_case

CONFIG = Path(__file__).parents[3] / "config"
RULES, CASE = read_monitoring(CONFIG), read_use_case(CONFIG.parent)
SUBJECT = ReportSubject("2013-09", datetime(2013, 10, 2, 16, tzinfo=UTC), "sha256:abc", "deploy://local/flights/1")


def rows(n: int, shape: float) -> pd.DataFrame:
    random = np.random.default_rng(0)
    score = random.beta(2, shape, n)
    return pd.DataFrame(
        {
            "score": score,
            "outcome": (random.random(n) < score).astype(float),
            "predicted": (score > 0.5).astype(int),
            "temp": random.normal(shape, 1, n),
            "carrier": random.choice(["AA", "UA"], n),
            "known": 1.0,
        }
    )


def tables(shape: float = 6) -> MonthTables:
    current, reference = rows(3000, shape), rows(3000, 6)
    judged = current[["score", "outcome", "predicted"]]
    return MonthTables(
        current[["score", "temp", "carrier", "known"]],
        reference[["score", "temp", "carrier"]],
        judged,
        ("temp",),
        ("carrier",),
    )


def workspace_of(folder: Path) -> tuple[Any, Any]:
    from evidently.ui.workspace import Workspace

    store = Workspace.create(str(folder))
    (project,) = store.search_project(RULES.reports.project)
    return store, project


def test_a_month_gives_a_drift_and_a_classification_report_dated_as_of(tmp_path: Path) -> None:
    drift, classification = add_reports(tmp_path, tables(), SUBJECT, RULES, CASE)

    store, project = workspace_of(tmp_path)
    runs = {run.name: run for run in (store.get_run(project.id, run_id) for run_id in store.list_runs(project.id))}
    assert set(runs) == {"2013-09 drift", "2013-09 classification"}
    assert all(run.timestamp.date() == SUBJECT.as_of.date() for run in runs.values())
    assert runs["2013-09 drift"].metadata["seed"] == "0"
    assert all(drift.tests.values())
    assert all(classification.tests.values())


def test_moved_scores_fail_evidentlys_test_as_they_fail_the_finding(tmp_path: Path) -> None:
    shifted = tables(shape=12)
    psi = stability_index(shifted.reference["score"].to_numpy(), shifted.current["score"].to_numpy(), RULES.drift.bins)

    drift = add_reports(tmp_path, shifted, SUBJECT, RULES, CASE)[0]

    assert psi > RULES.drift.score_psi.limit
    assert [name for name, passed in drift.tests.items() if not passed] != []


def test_a_second_run_adds_nothing(tmp_path: Path) -> None:
    first = add_reports(tmp_path, tables(), SUBJECT, RULES, CASE)

    assert add_reports(tmp_path, tables(), SUBJECT, RULES, CASE) == first

    store, project = workspace_of(tmp_path)
    assert len(store.list_runs(project.id)) == 2


def test_a_new_snapshot_gets_a_new_report_and_keeps_the_old(tmp_path: Path) -> None:
    first = add_reports(tmp_path, tables(), SUBJECT, RULES, CASE)
    restated = add_reports(tmp_path, tables(), replace(SUBJECT, snapshot="sha256:def"), RULES, CASE)

    store, project = workspace_of(tmp_path)
    assert {report.run_id for report in first}.isdisjoint(report.run_id for report in restated)
    assert len(store.list_runs(project.id)) == 4


def test_the_dashboard_is_made_once(tmp_path: Path) -> None:
    add_reports(tmp_path, tables(), SUBJECT, RULES, CASE)
    add_reports(tmp_path, tables(), replace(SUBJECT, month="2013-10"), RULES, CASE)

    _, project = workspace_of(tmp_path)
    panels = project.dashboard.model().panels
    assert len(panels) == 7
    assert "forecast" not in " ".join([project.description, *(panel.title for panel in panels)]).lower()


def values_of(store: Any, project: Any, name: str) -> dict[str, float]:
    """Return the mean of each column that a report holds one of."""
    from evidently.core.report import Snapshot

    runs = {run.name: run for run in (store.get_run(project.id, run_id) for run_id in store.list_runs(project.id))}
    metrics = json.loads(Snapshot.load_model(runs[name]).json())["metrics"]
    return {
        each["config"]["column"]: each["value"] for each in metrics if each["config"]["type"].endswith(":MeanValue")
    }


def test_limits_and_alerts_are_in_the_reports_so_that_panels_draw_them(tmp_path: Path) -> None:
    add_reports(tmp_path, tables(), replace(SUBJECT, alerts=("drift",)), RULES, CASE)

    store, project = workspace_of(tmp_path)
    drift, quality = (values_of(store, project, f"2013-09 {kind}") for kind in ("drift", "classification"))
    assert drift["limit_score_psi"] == pytest.approx(RULES.drift.score_psi.limit)
    assert drift["limit_coverage"] == pytest.approx(RULES.performance.coverage.limit)
    assert (drift["alert_drift"], drift["alert_performance"]) == (1.0, 0.0)
    assert quality["limit_roc_auc"] == pytest.approx(CASE.metrics.limits["roc_auc"].limit)
    drawn = {
        value.metric_labels.get("column", "")
        for panel in project.dashboard.model().panels
        for value in panel.values
        if value.metric.endswith(":MeanValue")
    }
    assert drawn <= {*drift, *quality}


def test_outcomes_of_one_kind_give_no_classification_report(tmp_path: Path) -> None:
    month = tables()

    reports = add_reports(tmp_path, replace(month, judged=month.judged.assign(outcome=0.0)), SUBJECT, RULES, CASE)

    assert [report.name for report in reports] == ["2013-09 drift"]


def of_kind(label: Label, limits: dict[str, float]) -> Any:
    given = {name: Limit(limit=limit, objective="ranking") for name, limit in limits.items()}
    return CASE.model_copy(update={"label": label, "metrics": Metrics(main=next(iter(limits)), margin=0, limits=given)})


def test_classes_get_a_classification_report_with_their_limits(tmp_path: Path) -> None:
    month = tables()
    codes = np.arange(len(month.judged)) % 3
    case = of_kind(
        Label(column="ends", kind="multiclass", classes=("home", "draw", "away")), {"accuracy": 0.9, "macro_f1": 0.9}
    )

    judged = month.judged.assign(outcome=codes.astype(float), predicted=codes)
    _, report = add_reports(tmp_path, replace(month, judged=judged), SUBJECT, RULES, case)

    assert (report.name, list(report.tests.values())) == ("2013-09 classification", [True, True])


def test_numbers_get_a_regression_report_with_their_limits(tmp_path: Path) -> None:
    case = of_kind(Label(column="bikes", kind="regression"), {"rmse": 0.01, "mae": 0.01, "r2": 0.9})

    _, report = add_reports(tmp_path, tables(), SUBJECT, RULES, case)

    assert (report.name, list(report.tests.values())) == ("2013-09 regression", [False, False])


def test_a_workspace_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "evidently").write_text("a file where a folder should be", encoding="ascii")

    with pytest.raises(Unavailable, match="Evidently workspace"):
        add_reports(tmp_path / "evidently", tables(), SUBJECT, RULES, CASE)


@pytest.fixture(autouse=True, scope="module")
def silence() -> None:
    os.environ["DO_NOT_TRACK"] = "1"
