"""The limit of the main metric: somewhat better than what an answer without any feature reaches before go-live.

That constant is learned in the training window and judged in the validation window, on labels that are known at
go-live: the months that come later are what the limit is for, so they may not set it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.clock import midnight
from handrail.errors import InvalidInput
from handrail.scaffold.windows import Windows

SHARE = 0.9
"""Of the constant's error: a larger error is not worth serving."""
CONSTANT_AUC, WORST_AUC = 0.5, 0.6
FILES = "config/use_case.yaml, config/objectives.yaml and config/policies/champion.yaml"


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of the project's table that the limit is made from, and the zone of its days."""

    time: str
    known: str
    label: str
    zone: str


@dataclass(frozen=True, slots=True)
class MetricLimit:
    """From where on the main metric is too bad, and one sentence about how that was found."""

    value: float
    note: str


def metric_limit(frame: Any, fields: Fields, windows: Windows, kind: str, metric: str) -> MetricLimit:
    """Return the limit for the project's table, a polars LazyFrame.

    Raises:
        InvalidInput: no label of the training window is known at go-live, or the constant is always right.
    """
    if kind == "binary":
        why = f"an answer without any feature has {CONSTANT_AUC}"
        return MetricLimit(WORST_AUC, f"The limit of {metric} is {WORST_AUC}: {why}. Otherwise: {FILES}.")
    learned, judged, where = _known(frame, fields, windows)
    answer = learned.mode().sort()[0] if kind == "multiclass" else learned.cast(float).mean()
    error = _error(judged, answer, kind)
    if error <= 0:
        problem = f"it is {answer!r} in each row of {where} that is known at go-live, so nothing can be judged there"
        raise InvalidInput("--label", problem, "Give a label that differs, or a table over more days.")
    allowed = _rounded(error * SHARE)
    limit, reached, side = (1 - allowed, 1 - error, "above") if kind == "multiclass" else (allowed, error, "below")
    called = f"{answer!r}, the class seen most in training," if kind == "multiclass" else f"the mean, {answer:.4g},"
    note = (
        f"The limit of {metric} is {round(limit, 10):g}, {side} the {reached:.4g} that {called} reaches as the only "
        f"answer in {where}. Otherwise: {FILES}."
    )
    return MetricLimit(round(limit, 10), note)


def _known(frame: Any, fields: Fields, windows: Windows) -> tuple[Any, Any, str]:
    """Return the labels (polars Series) to learn from and to judge on, and the name of the window of the latter."""
    import polars as pl

    border, go_live = midnight(windows.train_until, fields.zone), windows.go_live
    known = frame.filter(pl.col(fields.time) < go_live, pl.col(fields.known) <= go_live)
    rows = known.select(fields.label, is_late=pl.col(fields.time) >= border).collect(engine="streaming")
    learned, judged = (rows.filter(pl.col("is_late") == late)[fields.label] for late in (False, True))
    if not len(learned):
        problem = f"no outcome of the training window is known at go-live, {go_live:%Y-%m-%d}"
        raise InvalidInput("--known-at", problem, "Give a table over more days, or another column.")
    return (learned, judged, "validation") if len(judged) else (learned, learned, "training")


def _error(label: Any, answer: Any, kind: str) -> float:
    """Return the share of other classes, or the root mean squared error, of one answer."""
    if kind == "multiclass":
        return float((label != answer).mean())
    return float(((label.cast(float) - answer) ** 2).mean() ** 0.5)


def _rounded(error: float) -> float:
    return float(f"{error:.3g}")
