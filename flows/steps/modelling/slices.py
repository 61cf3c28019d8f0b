"""How good a model is for parts of the subjects. Small groups are pooled: a handful of rows proves nothing."""

from __future__ import annotations

import math
from calendar import day_name, month_name
from collections.abc import Sequence
from typing import Any

import numpy as np

from flows.steps.modelling.judge import Judge
from handrail.statistics import Intervals, Metric, Scored, draw_clusters, estimate

POOLED = "all others"


def pooled(groups: np.ndarray, smallest: int) -> np.ndarray:
    """Replace the name of each group below `smallest` rows by `POOLED`."""
    names, counts = np.unique(groups.astype(str), return_counts=True)
    return np.where(np.isin(groups.astype(str), names[counts >= smallest]), groups.astype(str), POOLED)


def judge_slices(scored: Scored, groups: np.ndarray, judge: Judge, intervals: Intervals) -> dict[str, dict[str, Any]]:
    """Judge each group of `groups` (n,): its size, its labels, and the metric that decides over its subjects.

    `missed_rate` is the share of positives below the threshold. The metric comes with its interval and is None where
    the group cannot be judged by it, for example where one outcome never happens.
    """
    names = in_calendar_order([str(name) for name in np.unique(groups)])
    return {name: _judge(scored.part(groups == name), judge, intervals) for name in names}


def in_calendar_order(names: Sequence[str]) -> list[str]:
    """Return English names of weekdays or months, whole or their first three letters, as they follow; others as given.

    Names that are none of them, such as that of pooled groups, come last.
    """
    for calendar in (day_name, month_name):
        places = {name[:length].lower(): place for place, name in enumerate(calendar) for length in (3, 9) if name}
        if sum(name.lower() in places for name in names) > len(names) / 2:
            return sorted(names, key=lambda name: places.get(name.lower(), len(places)))
    return list(names)


def _judge(part: Scored, judge: Judge, intervals: Intervals) -> dict[str, Any]:
    value = estimate(judge.metric.values(part, draw_clusters(part.clusters, intervals))).as_dict()
    return {
        "rows": len(part.label),
        f"{judge.case.cluster}s": part.clusters,
        **_described(part, judge),
        judge.metric.name: value if all(math.isfinite(bound) for bound in value.values()) else None,
    }


def _described(part: Scored, judge: Judge) -> dict[str, float | None]:
    """Return what was answered on average, and what was true."""
    score, truth = round(float(part.score.mean()), 9), round(float(part.label.mean()), 9)
    if judge.kind == "multiclass":
        return {"mean_probability": score}
    if judge.threshold is None:
        return {"mean_prediction": score, "mean_label": truth}
    positive = part.label == 1
    missed = float((part.score[positive] < judge.threshold).mean()) if positive.any() else None
    return {
        "base_rate": truth,
        "mean_probability": score,
        "missed_rate": None if missed is None else round(missed, 9),
    }


def worst(slices: dict[str, dict[str, Any]], metric: Metric) -> tuple[str, float, float] | None:
    """Return name, value and its better bound of the group with the worst value; None if none has one."""
    sign = -1 if metric.better == "lower" else 1
    known = [(sign * of[metric.name]["value"], name) for name, of in slices.items() if of[metric.name]]
    if not known:
        return None
    name = min(known)[1]
    found = slices[name][metric.name]
    return name, found["value"], found[better_bound(metric)]


def better_bound(metric: Metric) -> str:
    """Return which end of an interval is the better one."""
    return "low" if metric.better == "lower" else "high"
