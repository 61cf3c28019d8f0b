"""What wrong binary answers cost, at the threshold in use and at the cheapest one."""

from __future__ import annotations

import numpy as np

from handrail.statistics import Estimate, Intervals, Scored, draw_clusters, estimate, weighted_mean
from handrail.use_case import Costs


def expected_cost(scored: Scored, threshold: float, costs: Costs, intervals: Intervals) -> Estimate:
    """Return the mean cost of a subject's answer, with its interval."""
    positive, called = scored.label == 1, scored.score >= threshold
    of_rows = costs.missed * (positive & ~called) + costs.false_alarm * (~positive & called)
    return estimate(weighted_mean(of_rows.astype(np.float64), scored, draw_clusters(scored.clusters, intervals)))


def cheapest(scored: Scored, costs: Costs) -> tuple[float, float]:
    """Return the threshold with the lowest mean cost over these subjects, and that cost; of equals the highest.

    Every score is tried, and one above the highest, from where on nobody is called positive.
    """
    order = np.argsort(-scored.score, kind="stable")
    positive, score = scored.label[order] == 1, scored.score[order].astype(np.float64)
    ends = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    found, called = np.cumsum(positive)[ends], ends + 1
    cost = costs.missed * (positive.sum() - found) + costs.false_alarm * (called - found)
    cost = np.r_[costs.missed * positive.sum(), cost] / len(score)
    thresholds = np.r_[np.nextafter(score[0], np.inf), score[ends]]
    place = int(np.argmin(cost))
    return float(thresholds[place]), float(cost[place])
