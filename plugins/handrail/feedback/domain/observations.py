"""Predictions of two versions as arrays: what each is worth in a metric, and which belong together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.comparison_plan import Sides
from handrail.feedback.domain.values import microseconds
from handrail.shares import FALLBACK
from handrail.statistics import inverse_probability

PAIRED_WITHIN = timedelta(hours=1)
"""Two answers about a subject belong together if they were made at most this far apart."""
MICROSECONDS_A_DAY = 86_400_000_000
SMALLEST = 1e-15
SILENT_IS_NOTHING = ("revenue_per_prediction", "cost_per_prediction")


@dataclass(frozen=True, slots=True)
class Observed:
    """Rows of one version, arrays of (n,), ordered by when they were made.

    `value` is what the metric is the mean of, NaN where no outcome is known (yet); `subject` names, `day` counts days
    since 1970 UTC, `weight` says how many predictions a row represents.
    """

    value: np.ndarray
    subject: np.ndarray
    made_at: np.ndarray
    weight: np.ndarray

    @property
    def day(self) -> np.ndarray:
        """The day of each row, since 1970 UTC."""
        days: np.ndarray = self.made_at // MICROSECONDS_A_DAY
        return days

    def part(self, rows: np.ndarray) -> Observed:
        """Keep some rows: a mask or their numbers."""
        return Observed(self.value[rows], self.subject[rows], self.made_at[rows], self.weight[rows])

    @property
    def known(self) -> Observed:
        """The rows whose outcome is known."""
        return self.part(~np.isnan(self.value))


def side_of(cohort: Cohort, sides: Sides, name: str) -> Cohort:
    """Keep the rows of one version, without those that it answered in place of the other one."""
    column = cohort.variant if sides.by == "variant" else cohort.deployment
    rows = zip(column, cohort.variant, strict=True)
    return cohort.keep([each == name and variant != FALLBACK for each, variant in rows])


def observe(cohort: Cohort, metric: str) -> Observed:
    """Return the rows of a version with what each is worth in the metric.

    Raises:
        InvalidInput: the metric does not judge such labels.
    """
    probabilities = [_said(cohort.sampled), _said(cohort.propensity)]
    weight = inverse_probability(*probabilities).value if len(cohort) else np.ones(0)
    return Observed(
        value=_values(cohort, metric),
        subject=np.array(cohort.subject, dtype=np.str_),
        made_at=np.array([microseconds(at) for at in cohort.made_at], dtype=np.int64),
        weight=weight,
    )


def _said(probability: tuple[float | None, ...]) -> np.ndarray:
    """Return recorded probabilities; 1 for all rows where one of them has none."""
    if None in probability:
        return np.ones(len(probability))
    return np.array(probability, dtype=np.float64)


def _values(cohort: Cohort, metric: str) -> np.ndarray:
    label = np.array([np.nan if each is None else each for each in cohort.label], dtype=np.float64)
    mature = np.array(cohort.mature, dtype=bool)
    if metric == "latency_ms":
        measured = [np.nan if each is None else each for each in cohort.latency_ms]
        return np.array(measured, dtype=np.float64)
    if metric in SILENT_IS_NOTHING:
        label = np.where(np.isnan(label), 0.0, label)
    label = np.where(mature, label, np.nan)
    if metric in ("brier", "log_loss", "conversion"):
        _require_binary(label, metric)
    score, predicted = np.array(cohort.score, dtype=np.float64), np.array(cohort.predicted, dtype=np.float64)
    if metric == "log_loss":
        clipped = np.clip(score, SMALLEST, 1 - SMALLEST)
        loss = -np.where(label == 1, np.log(clipped), np.log1p(-clipped))
        return np.where(np.isnan(label), np.nan, loss)
    if metric in ("brier", "mse"):
        return np.square(score - label)
    if metric == "mae":
        return np.abs(score - label)
    if metric == "accuracy":
        return np.where(np.isnan(label), np.nan, predicted == label)
    return label


def _require_binary(label: np.ndarray, metric: str) -> None:
    odd = label[~np.isin(label, (0.0, 1.0)) & ~np.isnan(label)]
    if len(odd):
        problem = f"{metric} judges labels 0 and 1, and one is {odd[0]:g}"
        raise InvalidInput("metric", problem, "Use accuracy, mae, mse or mean_label.")


def pair_up(champion: Observed, challenger: Observed) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows that belong together, in both: about a subject, made at most an hour apart.

    The nearest in time are put together, each row once; the order of rows does not matter.
    """
    ones: dict[str, list[int]] = defaultdict(list)
    for row, subject in enumerate(champion.subject.tolist()):
        ones[subject].append(row)
    apart = []
    for row, subject in enumerate(challenger.subject.tolist()):
        for one in ones.get(subject, ()):
            distance = abs(int(challenger.made_at[row]) - int(champion.made_at[one]))
            if distance <= PAIRED_WITHIN / timedelta(microseconds=1):
                apart.append((distance, int(champion.made_at[one]), int(challenger.made_at[row]), one, row))
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for *_, one, row in sorted(apart):
        if one not in taken[0] and row not in taken[1]:
            taken[0].add(one)
            taken[1].add(row)
            pairs.append((one, row))
    pairs.sort()
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
