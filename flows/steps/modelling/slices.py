"""How good a model is for parts of the flights. Small groups are pooled: a handful of rows proves nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from handrail.statistics import Intervals, Scored, draw_clusters, estimate, metric_named

POOLED = "all others"


def slice_values(flights: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return carrier, origin and hour (scheduled departure, New York) of each flight, (n,) text each."""
    hour = flights["flight_id"].str.split(":").list.get(3).str.slice(0, 2)
    return {
        "carrier": flights["carrier"].to_numpy(),
        "origin": flights["origin"].to_numpy(),
        "hour": hour.to_numpy(),
    }


def pooled(groups: np.ndarray, smallest: int) -> np.ndarray:
    """Replace the name of each group below `smallest` rows by `POOLED`."""
    names, counts = np.unique(groups.astype(str), return_counts=True)
    return np.where(np.isin(groups.astype(str), names[counts >= smallest]), groups.astype(str), POOLED)


def judge_slices(
    scored: Scored, groups: np.ndarray, threshold: float, intervals: Intervals
) -> dict[str, dict[str, Any]]:
    """Judge each group of `groups` (n,): its size, its lateness, and how well the scores separate its flights.

    `missed_rate` is the share of late flights below `threshold`. `roc_auc` comes with its interval and is None
    where one outcome never happens.
    """
    return {str(name): _judge(scored.part(groups == name), threshold, intervals) for name in np.unique(groups)}


def _judge(part: Scored, threshold: float, intervals: Intervals) -> dict[str, Any]:
    late = part.label == 1
    both = bool(late.any() and not late.all())
    return {
        "rows": len(part.label),
        "days": part.clusters,
        "base_rate": round(float(late.mean()), 9),
        "mean_probability": round(float(part.score.mean()), 9),
        "missed_rate": round(float((part.score[late] < threshold).mean()), 9) if late.any() else None,
        "roc_auc": estimate(
            metric_named("binary", "roc_auc").values(part, draw_clusters(part.clusters, intervals))
        ).as_dict()
        if both
        else None,
    }


def worst(slices: dict[str, dict[str, Any]]) -> tuple[str, float, float] | None:
    """Return name, ROC-AUC and its upper bound of the group with the lowest ROC-AUC; None if none has one."""
    known = [(of["roc_auc"]["value"], name, of["roc_auc"]["high"]) for name, of in slices.items() if of["roc_auc"]]
    if not known:
        return None
    value, name, high = min(known)
    return name, value, high
