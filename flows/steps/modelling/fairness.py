"""How differently a model treats groups: each group's rates by fairlearn, and how far they are apart with bounds.

fairlearn counts no cluster and weighs a group of a few rows like any other, so small groups are put together here, and
the bounds are `handrail.statistics.disparities`, which the gate and monitoring use too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from flows.steps.modelling.judge import Judge
from flows.steps.modelling.slices import in_calendar_order, pooled
from handrail.label_kinds import NUMERIC
from handrail.statistics import RATES_OF, Answers, Intervals, Scored, disparities, draw_clusters

DIGITS = 9
Metric = Callable[..., float]


def compare_groups(
    answers: Answers, scored: Scored, values: Mapping[str, np.ndarray], judge: Judge, intervals: Intervals
) -> dict[str, dict[str, Any]]:
    """Compare the groups of each configured segment.

    Args:
        answers: of the model, about the rows of `scored`.
        scored: (n,) rows with their label and cluster.
        values: of each slice, (n,) the name of a row's group.
        judge: the description with its `fairness`; without it nothing is compared.
        intervals: how often clusters are drawn.

    Returns:
        by segment: `by_group` with rows, clusters and each rate of each group (None where no row counts), `groups`,
        `judged`, `rows`, and by rate what `Disparity.as_dict` has with the names of the groups that are furthest apart.
    """
    wanted = judge.case.fairness
    if wanted is None:
        return {}
    decided = judge.labels(answers)
    known = scored if decided is None else replace(scored, predicted=np.asarray(decided).astype(np.int64))
    weights = draw_clusters(known.clusters, intervals)
    return {
        segment: _compared(known, pooled(values[segment], wanted.least_rows), judge, weights, wanted.least_rows)
        for segment in wanted.segments
    }


def without_tables(compared: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what a policy can cite: everything but the table of each segment."""
    return {by: {name: of for name, of in found.items() if name != "by_group"} for by, found in compared.items()}


def _compared(scored: Scored, group: np.ndarray, judge: Judge, weights: np.ndarray, least_rows: int) -> dict[str, Any]:
    names, code = np.unique(group, return_inverse=True)
    rates = disparities(judge.kind, scored, code, weights, least_rows)
    judged = max((int(np.isfinite(rate.rates).sum()) for rate in rates.values()), default=0)
    apart = {
        name: rate.as_dict() | {"highest": str(names[rate.highest]), "lowest": str(names[rate.lowest])}
        for name, rate in rates.items()
    }
    table = group_table(scored, group, judge)
    return {"groups": len(names), "judged": judged, "rows": len(code), **apart, "by_group": table}


def group_table(scored: Scored, group: np.ndarray, judge: Judge) -> dict[str, dict[str, Any]]:
    """Return of each group its rows, its clusters and its rates, by fairlearn; None where no row counts for a rate."""
    from fairlearn.metrics import MetricFrame, count

    answered = scored.score if judge.kind in NUMERIC else scored.predicted
    frame = MetricFrame(
        metrics={"rows": count, **_metrics(judge.kind)},
        y_true=scored.label,
        y_pred=answered,
        sensitive_features=group,
    )
    found = {}
    for name in in_calendar_order([str(each) for each in np.unique(group)]):
        chosen, row = group == name, frame.by_group.loc[name]
        rates = {rate.name: _number(row[rate.name]) for rate in RATES_OF[judge.kind]}
        # scikit-learn calls a rate 0 where nothing can be counted.
        for rate, of in (("false_negative_rate", 1), ("false_positive_rate", 0)):
            if rate in rates and not (scored.label[chosen] == of).any():
                rates[rate] = None
        clusters = len(np.unique(scored.cluster[chosen]))
        found[name] = {"rows": int(row["rows"]), f"{judge.case.cluster}s": clusters, **rates}
    return found


def _number(value: float) -> float | None:
    return round(float(value), DIGITS) if math.isfinite(value) else None


def _metrics(kind: str) -> dict[str, Metric]:
    from fairlearn.metrics import false_negative_rate, false_positive_rate, selection_rate
    from sklearn.metrics import mean_absolute_error, zero_one_loss

    if kind in NUMERIC:
        return {"mean_absolute_error": mean_absolute_error, "mean_error": _mean_error}
    if kind == "multiclass":
        return {"error_rate": zero_one_loss}
    return {
        "selection_rate": selection_rate,
        "false_negative_rate": _of_both(false_negative_rate),
        "false_positive_rate": _of_both(false_positive_rate),
        "error_rate": zero_one_loss,
    }


def _of_both(rate: Metric) -> Metric:
    """Let a rate know which label is positive, also where a group has one label alone."""
    return lambda truth, answered: float(rate(truth, answered, pos_label=1))


def _mean_error(truth: Any, answered: Any) -> float:
    return float(np.mean(np.asarray(answered) - np.asarray(truth)))
