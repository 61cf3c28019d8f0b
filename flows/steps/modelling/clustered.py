"""Metrics of probabilities with confidence intervals that treat a whole day as one observation.

Flights of one day share their weather and their queues, so days are drawn with replacement, never flights
(cluster bootstrap: Cameron, Gelbach, Miller 2008, percentile interval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.steps.modelling.model_params import IntervalParams

METRICS = ("roc_auc", "average_precision", "log_loss", "brier", "base_rate")
QUANTILES = (0.025, 0.975)
ROWS_AT_ONCE = 2_000_000
SMALLEST = 1e-15


@dataclass(frozen=True, slots=True)
class Scored:
    """Flights with their outcome: `score` (n,) probability, `late` (n,) 0 or 1, `day` (n,) codes 0..days-1."""

    score: np.ndarray
    late: np.ndarray
    day: np.ndarray

    @property
    def days(self) -> int:
        """How many day codes there are."""
        return int(self.day.max()) + 1

    def part(self, chosen: np.ndarray) -> Scored:
        """Return the chosen rows (boolean mask or indices), days counted anew."""
        day = np.unique(self.day[chosen], return_inverse=True)[1]
        return Scored(self.score[chosen], self.late[chosen], day)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return plain numbers for JSON, rounded to nine decimals."""
        return {"value": round(self.value, 9), "low": round(self.low, 9), "high": round(self.high, 9)}


def draw_days(days: int, intervals: IntervalParams) -> np.ndarray:
    """Return how often each day is drawn, (draws + 1, days) float64; the first row is every day once."""
    source = np.random.default_rng(intervals.seed)
    drawn = source.multinomial(days, np.full(days, 1 / days), size=intervals.draws)
    return np.vstack([np.ones(days), drawn])


def metrics_of(scored: Scored, intervals: IntervalParams) -> dict[str, Estimate]:
    """Return roc_auc, average_precision, log_loss, brier and base_rate with their intervals."""
    weights = draw_days(scored.days, intervals)
    clipped = np.clip(scored.score.astype(np.float64), SMALLEST, 1 - SMALLEST)
    losses = -np.where(scored.late == 1, np.log(clipped), np.log1p(-clipped))
    return {
        "roc_auc": estimate(roc_auc(scored, weights)),
        "average_precision": estimate(average_precision(scored, weights)),
        "log_loss": estimate(_mean(losses, scored, weights)),
        "brier": estimate(_mean((scored.score - scored.late) ** 2, scored, weights)),
        "base_rate": estimate(_mean(scored.late, scored, weights)),
    }


def estimate(values: np.ndarray) -> Estimate:
    """Turn the metric on all days (first value) and on drawn days (the rest) into an estimate."""
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, QUANTILES) if len(drawn) else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))


def roc_auc(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve for each row of `weights` (draws, days); ties count one half.

    The area is a sum over pairs of a late and a punctual flight, so that one (days, days) table of concordant
    pairs answers every draw exactly: w'Aw / (w'P)(w'N). NaN where one outcome was not drawn.
    """
    late = np.bincount(scored.day, weights=scored.late, minlength=scored.days)
    punctual = np.bincount(scored.day, minlength=scored.days) - late
    concordant = ((weights @ _concordant_pairs(scored)) * weights).sum(axis=1)
    pairs = (weights @ late) * (weights @ punctual)
    area: np.ndarray = np.divide(concordant, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return area


def _concordant_pairs(scored: Scored) -> np.ndarray:
    """Count pairs with the late flight of day i scored above the punctual one of day j: (days, days)."""
    level = np.unique(scored.score, return_inverse=True)[1]
    levels = int(level.max()) + 1
    is_late = scored.late == 1
    late_level, late_day = level[is_late], scored.day[is_late]
    table = np.empty((scored.days, scored.days))
    for day in range(scored.days):
        here = np.bincount(level[~is_late & (scored.day == day)], minlength=levels)
        below = np.cumsum(here) - 0.5 * here
        table[:, day] = np.bincount(late_day, weights=below[late_level], minlength=scored.days)
    return table


def average_precision(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the average precision for each row of `weights` (draws, days), ties taken together."""
    order = np.argsort(-scored.score, kind="stable")
    late, day, score = scored.late[order] == 1, scored.day[order], scored.score[order]
    last_of_tie = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    values = np.empty(len(weights))
    step = max(1, ROWS_AT_ONCE // len(order))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step][:, day]
        found = np.cumsum(drawn * late, axis=1)[:, last_of_tie]
        called = np.cumsum(drawn, axis=1)[:, last_of_tie]
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        gained = np.diff(found, axis=1, prepend=0.0)
        total = found[:, -1]
        values[start : start + step] = np.divide(
            (precision * gained).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
        )
    return values


def _mean(of_rows: np.ndarray, scored: Scored, weights: np.ndarray) -> np.ndarray:
    sums = np.bincount(scored.day, weights=of_rows, minlength=scored.days)
    counts = np.bincount(scored.day, minlength=scored.days)
    return (weights @ sums) / (weights @ counts)
