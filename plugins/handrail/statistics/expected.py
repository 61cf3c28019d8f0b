"""Estimated performance before labels come (CBPE), and how well the estimate did once they came.

Scores are calibrated on mature predictions; each new prediction then counts as a positive with its probability and as a
negative with the rest, which gives the expected value of every metric. It holds as long as a score means what it meant:
a change in that relation (concept drift) shows in labels only. Where new scores are rare among the mature ones, little
is known about what they mean, and intervals are too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics import binary, classes, decisions
from handrail.statistics.calibration import calibrate
from handrail.statistics.metrics import Metric
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate

ESTIMATED = (
    Metric("accuracy", "accuracy", "higher", classes.accuracy),
    Metric("precision", "precision", "higher", decisions.right_share),
    Metric("recall", "recall", "higher", decisions.found_share),
    Metric("f1", "F1", "higher", decisions.f1),
    Metric("roc_auc", "ROC-AUC", "higher", binary.roc_auc),
    Metric("log_loss", "log loss", "lower", binary.log_loss),
    Metric("brier", "Brier score", "lower", binary.brier),
)
"""The metrics of a binary outcome that can be estimated before it is known."""
ONCE = np.ones((1, 1))


@dataclass(frozen=True, slots=True)
class Hindsight:
    """An estimate made before labels came, beside the figure that they gave; `error` is the first minus the second."""

    estimated: Estimate
    realised: float

    @property
    def error(self) -> float:
        """How much the estimate was too high."""
        return self.estimated.value - self.realised

    @property
    def covered(self) -> bool:
        """Whether the realised figure is within the interval of the estimate."""
        return self.estimated.low <= self.realised <= self.estimated.high


def estimate_performance(
    reference: Scored, score: np.ndarray, predicted: np.ndarray, intervals: Intervals
) -> dict[str, Estimate]:
    """Estimate each metric of `ESTIMATED` for predictions without labels, by name.

    `reference` are mature predictions of the same model, clustered by what shares an outcome (a day); `score` and
    `predicted` (0 or 1) are (n,) new ones. The interval is where the realised figure of these very predictions is
    expected in 95 %: clusters of the reference are drawn, it is calibrated anew, labels are drawn from the
    probabilities, and count for more where whole clusters of the reference vary more than single labels do
    (`design_effect`). Cost: a few sorts of the n predictions for each draw.

    Raises:
        InvalidInput: there is no prediction, the arrays differ in length, a score is not finite, or a label of the
            reference is neither 0 nor 1.
    """
    score, predicted = np.asarray(score, dtype=np.float64), np.asarray(predicted)
    if not len(score) or score.shape != predicted.shape or not np.isfinite(score).all():
        raise InvalidInput("score", "there is none, one is not finite, or a class lacks", "Pass one class a score.")
    mass = reference.weighed(np.ones(len(reference.label)))
    probabilities = [
        calibrate(reference.score, reference.label, mass * drawn[reference.cluster]).probability_of(score)
        for drawn in draw_clusters(reference.clusters, intervals)
    ]
    # Another stream than that of the drawn clusters, which would move along.
    source, together = np.random.default_rng([intervals.seed, 1]), np.zeros(len(score), dtype=np.int64)
    drawn_labels = [(source.random(len(score)) < probability).astype(np.int64) for probability in probabilities[1:]]
    expected = [expected_rows(score, predicted, probability) for probability in probabilities]
    realised = [Scored(score, label, together, predicted) for label in drawn_labels]
    wider = np.sqrt(design_effect(reference))
    found = {}
    for metric in ESTIMATED:
        middle, drawn = (np.array([metric.values(of, ONCE)[0] for of in rows]) for rows in (expected, realised))
        found[metric.name] = estimate(np.concatenate([middle[:1], middle[1:] + wider * (drawn - middle[1:])]))
    return found


def estimate_change(
    metric: str,
    reference: Scored,
    before: tuple[np.ndarray, np.ndarray],
    after: tuple[np.ndarray, np.ndarray],
    intervals: Intervals,
) -> Estimate:
    """Estimate by how much a metric of `ESTIMATED` changes from some predictions to others, after minus before.

    `reference` is as in `estimate_performance`; `before` and `after` are scores and predicted classes, (n,) each. Both
    sides are read by the same calibration, so that what is left is the effect of other scores alone. The interval is
    that of the calibration: clusters of the reference are drawn. Cost: two sorts of both for each draw.
    """
    (figure,) = (each for each in ESTIMATED if each.name == metric)
    mass = reference.weighed(np.ones(len(reference.label)))
    changes = []
    for drawn in draw_clusters(reference.clusters, intervals):
        known = calibrate(reference.score, reference.label, mass * drawn[reference.cluster])
        rows = (expected_rows(score, predicted, known.probability_of(score)) for score, predicted in (before, after))
        first, second = (float(figure.values(of, ONCE)[0]) for of in rows)
        changes.append(second - first)
    return estimate(np.array(changes))


def expected_rows(score: np.ndarray, predicted: np.ndarray, probability: np.ndarray) -> Scored:
    """Return each prediction twice, in one cluster: as a positive with its probability, as a negative with the rest.

    Metrics of these rows are expected values; for the area under the ROC curve each prediction is also paired with
    itself, which matters by 1 / n.
    """
    label = np.repeat(np.array([1, 0]), len(score))
    weight = np.concatenate([probability, 1 - probability])
    return Scored(np.tile(score, 2), label, np.zeros(len(label), dtype=np.int64), np.tile(predicted, 2), weight)


def design_effect(reference: Scored) -> float:
    """Return how many times more positives vary by whole clusters, around their expectation, than by single labels.

    1 where outcomes of a cluster are independent; never less.
    """
    weight = reference.weighed(np.ones(len(reference.label)))
    probability = calibrate(reference.score, reference.label, weight).probability_of(reference.score)
    surprise = np.square(reference.summed(reference.label - probability)).sum()
    alone = float(np.sum(weight**2 * probability * (1 - probability)))
    return max(1.0, float(surprise) / alone) if alone > 0 else 1.0


def compare_in_hindsight(estimated: Mapping[str, Estimate], realised: Scored) -> dict[str, Hindsight]:
    """Put each estimate beside the figure of the same predictions once they have labels, weighted if only some have."""
    once = replace(realised, cluster=np.zeros(len(realised.label), dtype=np.int64))
    return {
        metric.name: Hindsight(estimated[metric.name], float(metric.values(once, ONCE)[0]))
        for metric in ESTIMATED
        if metric.name in estimated
    }
