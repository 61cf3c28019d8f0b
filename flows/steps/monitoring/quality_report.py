"""Evidently's report of how good a month's answers were, by the kind of label, and the dashboard over the months."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handrail.label_kinds import CLASSIFIED
from handrail.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd

SCORE_BIN = "score_bin"
LIMIT, ALERT = "limit_", "alert_"
"""How the columns begin whose mean is a limit, or 1 where a finding is an alert: panels draw columns only."""
RETRAINED = ("drift", "performance", "business")
"""The kinds of alerts after which a challenger is trained; these are marked."""
About = tuple[datetime, Mapping[str, str], str]
"""The as-of time, the metadata and the month of a report."""

TESTED = {
    "roc_auc": "rocauc_tests",
    "log_loss": "logloss_tests",
    "accuracy": "accuracy_tests",
    "macro_f1": "f1score_tests",
    "rmse": "rmse_tests",
    "r2": "r2score_tests",
}
"""The argument of Evidently's preset that tests each metric; others are judged by the finding alone."""

Lines = tuple[tuple[str, str, dict[str, str]], ...]


def report_name(case: UseCase) -> str:
    """Return the name of the report that fits the kind of label."""
    return "classification" if case.label.kind in CLASSIFIED else "regression"


def quality_report(sample: pd.DataFrame, case: UseCase, about: About) -> tuple[Any, int]:
    """Judge answers with a known outcome; return the report and how many tests it has to have run."""
    from evidently import Dataset, Report
    from evidently.metrics import MeanValue
    from sklearn.exceptions import UndefinedMetricWarning

    limits = {TESTED[name]: name for name in case.metrics.limits if name in TESTED}
    definition, score = _definition(case)
    limited = {f"{LIMIT}{name}": case.metrics.limits[name].limit for name in case.metrics.limits}
    answers = sample.assign(**{score: sample["score"], "true_value": sample["outcome"]}, **limited)
    if case.label.kind in CLASSIFIED:
        answers = answers.assign(outcome=answers["outcome"].astype(int))
    shown = ("true_value", score, *limited)
    report = Report([_preset(case, limits), *(MeanValue(column=name) for name in shown)], include_tests=False)
    as_of, metadata, month = about
    with warnings.catch_warnings():
        # A month may pass in which a class was never answered; its precision is shown as 0.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        run = report.run(
            Dataset.from_pandas(answers, data_definition=definition),
            timestamp=as_of,
            metadata=dict(metadata),
            tags=[report_name(case), month],
        )
    return run, len(limits)


def _definition(case: UseCase) -> tuple[Any, str]:
    """Return what Evidently is given as columns, and the column of scores."""
    from evidently import BinaryClassification, DataDefinition, MulticlassClassification, Regression

    columns = ["true_value", "probability", *(f"{LIMIT}{name}" for name in case.metrics.limits)]
    if case.label.kind == "binary":
        judged = BinaryClassification(
            target="outcome", prediction_labels="predicted", prediction_probas="probability", pos_label=1
        )
        return DataDefinition(numerical_columns=columns, classification=[judged]), "probability"
    if case.label.classes is not None:
        several = MulticlassClassification(target="outcome", prediction_labels="predicted")
        return DataDefinition(numerical_columns=columns, classification=[several]), "probability"
    numbers = Regression(target="outcome", prediction="prediction")
    numeric = [name for name in columns if name != "probability"] + ["outcome", "prediction"]
    return DataDefinition(numerical_columns=numeric, regression=[numbers]), "prediction"


def _preset(case: UseCase, limits: Mapping[str, str]) -> Any:
    from evidently.presets import ClassificationPreset, RegressionPreset
    from evidently.tests import gte, lte

    tests = {
        argument: [(lte if case.metric_by_name[name].better == "lower" else gte)(case.metrics.limits[name].limit)]
        for argument, name in limits.items()
    }
    return ClassificationPreset(**tests) if case.label.kind in CLASSIFIED else RegressionPreset(**tests)


def open_project(store: Any, name: str, case: UseCase) -> Any:
    """Return the workspace's project of that name with its dashboard; both are made at the first use."""
    found = store.search_project(name)
    project = found[0] if found else store.create_project(name, "Predictions in production, month by month")
    if not project.dashboard.model().panels:
        for title, kind, lines in _panels(case):
            project.dashboard.add_panel(_panel(title, kind, lines))
    return project


def _panel(title: str, kind: str, lines: Lines) -> Any:
    from evidently.sdk.models import DashboardPanelPlot, PanelMetric

    values = [PanelMetric(legend=legend, metric=metric, metric_labels=labels) for legend, metric, labels in lines]
    return DashboardPanelPlot(title=title, subtitle="", size="half", values=values, plot_params={"plot_type": kind})


def _panels(case: UseCase) -> tuple[tuple[str, str, Lines], ...]:
    return (
        (
            "Alerts; after each a challenger is trained",
            "bar",
            tuple((kind, "MeanValue", {"column": f"{ALERT}{kind}"}) for kind in RETRAINED),
        ),
        (
            "Shift of the scores (PSI)",
            "line",
            (("score PSI", "ValueDrift", {"column": SCORE_BIN}), _limit("score_psi")),
        ),
        *_quality_panels(case),
        ("Features that moved (no alarm)", "bar", (("share", "DriftedColumnsCount", {"value_type": "share"}),)),
        ("Known outcomes", "line", (("coverage", "MeanValue", {"column": "known"}), _limit("coverage"))),
    )


def _limit(name: str, words: str = "limit") -> tuple[str, str, dict[str, str]]:
    return words, "MeanValue", {"column": f"{LIMIT}{name}"}


def _limits(case: UseCase, *names: str) -> Lines:
    """Return a line for the limit of each of these metrics that has one."""
    return tuple(_limit(name, f"limit of {name}") for name in names if name in case.metrics.limits)


def _quality_panels(case: UseCase) -> tuple[tuple[str, str, Lines], ...]:
    many, label = case.subject.many, case.label
    truth = ("MeanValue", {"column": "true_value"})
    score = ("MeanValue", {"column": _definition(case)[1]})
    if label.positive is not None:
        return (
            (f"Ranking of mature {many}", "line", (("ROC-AUC", "RocAuc", {}), *_limits(case, "roc_auc"))),
            (
                f"{label.positive.capitalize()} {many}, and what was predicted",
                "line",
                ((f"share {label.positive}", *truth), ("mean probability", *score)),
            ),
            ("Log loss", "line", (("log loss", "LogLoss", {}), *_limits(case, "log_loss"))),
        )
    if label.classes is not None:
        return (
            (
                f"Accuracy on mature {many}",
                "line",
                (("accuracy", "Accuracy", {}), ("F1", "F1Score", {}), *_limits(case, "accuracy", "macro_f1")),
            ),
            ("Certainty", "line", (("mean probability", *score),)),
        )
    return (
        (
            f"Errors on mature {many}",
            "line",
            (("RMSE", "RMSE", {}), ("MAE", "MAE", {"value_type": "mean"}), *_limits(case, "rmse", "mae")),
        ),
        (f"{label.column}, and what was predicted", "line", (("mean truth", *truth), ("mean prediction", *score))),
    )
