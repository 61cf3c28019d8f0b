"""Whether a challenger is worse than a champion about the same subjects, by a paired test over whole clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handrail.errors import InvalidInput
from handrail.label_kinds import CLASSIFIED
from handrail.statistics.metrics import METRICS_OF, Metric, judgeable
from handrail.statistics.scored import Intervals, Scored, draw_clusters, estimate

DRAWS = 2000
Values = Sequence[Any] | np.ndarray


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answered, (n,) each: scores, and the code of the predicted class where there are several."""

    score: Values
    predicted: Values | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger against champion in one metric.

    `gain` is how much better the challenger is, `low` and `high` its 95 % percentile interval; `not_worse` says that
    even the lower end is no more than the margin below zero.
    """

    metric: str
    gain: float
    low: float
    high: float
    champion: float
    challenger: float
    subjects: int
    clusters: int
    margin: float

    @property
    def not_worse(self) -> bool:
        """Whether the challenger is worse by no more than the margin."""
        return bool(self.low >= -self.margin)


def compare(  # noqa: PLR0913 - two models, their subjects, and a rule
    metric: Metric,
    kind: str,
    champion: Answers,
    challenger: Answers,
    labels: Values,
    clusters: Values,
    *,
    margin: float,
    intervals: Intervals | None = None,
) -> Comparison:
    """Compare two models in `metric` by a paired bootstrap over whole clusters.

    All arrays are (n,), and row i is one subject; subjects whose label is missing (None, NaN) are left out. Both
    models are judged on the same drawn clusters.

    Raises:
        InvalidInput: the arrays differ in length, a score is not finite, a label does not fit its kind, or the labels
            cannot judge anybody.
    """
    first, second = _paired(kind, (champion, challenger), labels, clusters)
    weights = draw_clusters(first.clusters, intervals or Intervals(DRAWS, 0))
    of_champion, of_challenger = metric.values(first, weights), metric.values(second, weights)
    gain = estimate(np.asarray(metric.gain(of_challenger, of_champion)))
    return Comparison(
        metric=metric.name,
        gain=gain.value,
        low=gain.low,
        high=gain.high,
        champion=float(of_champion[0]),
        challenger=float(of_challenger[0]),
        subjects=len(first.label),
        clusters=first.clusters,
        margin=margin,
    )


def metric_named(kind: str, name: str) -> Metric:
    """Return a metric of that kind of label.

    Raises:
        InvalidInput: there is no such metric.
    """
    for metric in METRICS_OF[kind]:
        if metric.name == name:
            return metric
    names = ", ".join(metric.name for metric in METRICS_OF[kind])
    raise InvalidInput("metric", f"{name!r} does not judge a {kind} label", f"Use one of {names}.")


def _paired(kind: str, models: tuple[Answers, Answers], labels: Values, clusters: Values) -> tuple[Scored, Scored]:
    label, cluster = _floats(labels), np.asarray(clusters)
    named = {"champion scores": _floats(models[0].score), "challenger scores": _floats(models[1].score)}
    for name, values in {**named, "clusters": cluster}.items():
        if values.shape != (len(label),):
            raise InvalidInput(name, f"{len(values)} values for {len(label)} labels", "Pass one value a subject.")
    known = ~np.isnan(label)
    codes = np.unique(cluster[known], return_inverse=True)[1]
    label = label[known]
    _require_labels(kind, label)
    for name, values in named.items():
        if not np.isfinite(values[known]).all():
            raise InvalidInput(name, "a score is not a finite number", "Score these subjects again.")
    truth = label.astype(np.int64) if kind in CLASSIFIED else label
    first, second = (
        Scored(_floats(model.score)[known], truth, codes, _classes(model, known, kind)) for model in models
    )
    return first, second


def _require_labels(kind: str, label: np.ndarray) -> None:
    if kind == "binary" and not np.isin(label, (0.0, 1.0)).all():
        raise InvalidInput("labels", "they hold another value than 0 and 1", "Compare on outcomes of this label.")
    if not judgeable(kind, label):
        problem = "no outcome is known" if not len(label) else "they hold one outcome only"
        raise InvalidInput("labels", problem, "Compare on more mature subjects.")


def _classes(model: Answers, known: np.ndarray, kind: str) -> np.ndarray | None:
    if kind != "multiclass":
        return None
    if model.predicted is None or len(model.predicted) != len(known):
        raise InvalidInput("predicted", "a predicted class is missing", "Pass one class a subject.")
    return np.asarray(model.predicted)[known]


def _floats(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)
