"""Which metrics judge which kind of label, and on which side each is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from handrail.label_kinds import CLASSIFIED
from handrail.statistics import binary, classes, numeric
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of scored subjects: `better` on its higher or lower side; one that describes only is on neither."""

    name: str
    title: str
    better: Literal["higher", "lower", "neither"]
    values: Callable[[Scored, np.ndarray], np.ndarray]

    def gain(self, of: np.ndarray | float, over: np.ndarray | float) -> np.ndarray | float:
        """Return how much better `of` is than `over`, negative if it is worse."""
        return over - of if self.better == "lower" else of - over


_NUMERIC = (
    Metric("mae", "mean absolute error", "lower", numeric.mean_absolute_error),
    Metric("rmse", "root mean squared error", "lower", numeric.root_mean_squared_error),
    Metric("r2", "R²", "higher", numeric.r_squared),
    Metric("bias", "mean error, prediction minus truth", "neither", numeric.bias),
    Metric("mean_label", "mean truth", "neither", numeric.mean_label),
)

METRICS_OF: Mapping[str, tuple[Metric, ...]] = {
    "binary": (
        Metric("roc_auc", "ROC-AUC", "higher", binary.roc_auc),
        Metric("average_precision", "average precision", "higher", binary.average_precision),
        Metric("log_loss", "log loss", "lower", binary.log_loss),
        Metric("brier", "Brier score", "lower", binary.brier),
        Metric("base_rate", "base rate", "neither", binary.base_rate),
    ),
    "multiclass": (
        Metric("accuracy", "accuracy", "higher", classes.accuracy),
        Metric("macro_f1", "macro F1", "higher", classes.macro_f1),
        Metric("largest_share", "share of the largest class", "neither", classes.largest_share),
    ),
    "regression": _NUMERIC,
    "count": (*_NUMERIC, Metric("poisson_deviance", "Poisson deviance", "lower", numeric.poisson_deviance)),
}
"""The metrics of each kind of label, in the order in which they are shown."""


def metrics_of(kind: str, scored: Scored, intervals: Intervals) -> dict[str, Estimate]:
    """Return every metric of that kind of label with its interval, by name."""
    weights = draw_clusters(scored.clusters, intervals)
    return {metric.name: estimate(metric.values(scored, weights)) for metric in METRICS_OF[kind]}


def judgeable(kind: str, label: np.ndarray) -> bool:
    """Say whether these truths (n,) can judge answers: a classifier needs more than one class to have happened."""
    return len(label) > 0 and (kind not in CLASSIFIED or len(np.unique(label)) > 1)
