"""Pictures of models for reviewers, fit for the kind of label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.steps.modelling.drawing import ACCENT, INK, SOFT, new_axes, save, shown
from handrail.label_kinds import CLASSIFIED
from handrail.statistics import Scored
from handrail.use_case import Label, UseCase

CURVE_POINTS = 500
CALIBRATION_BINS = 10
DOTS = 2000
LARGEST_LETTERED = 12
SMALLEST = 1e-9


def draw_performance(
    scored: Scored, case: UseCase, title: str, folder: Path, *, calibration_only: bool = False
) -> tuple[str, ...]:
    """Write calibration.png of one model into `folder`, and the pictures of its kind, whose names are returned."""
    draw_calibration(calibration(scored, case.label), case, title, folder / "calibration.png")
    pictures = {} if calibration_only else PICTURES[case.label.kind]
    for name, draw in pictures.items():
        draw(scored, case, title, folder / f"{name}.png")
    return tuple(pictures)


def curves(scored: Scored) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return false-positive rate, recall and precision at up to 500 thresholds, highest first, ties together."""
    order = np.argsort(-scored.score, kind="stable")
    positive, score = scored.label[order], scored.score[order]
    ends = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(int))]
    found, called = np.cumsum(positive, dtype=np.float64)[ends], ends + 1.0
    positives = positive.sum()
    return (called - found) / (len(positive) - positives), found / positives, found / called


def calibration(scored: Scored, label: Label) -> list[dict[str, float]]:
    """Return ten groups of equal size by score: rows, mean predicted value and what was observed.

    Observed is the share of positives, the share of right classes, or the mean number.
    """
    truth = scored.label if label.classes is None else np.asarray(scored.predicted) == scored.label
    order = np.argsort(scored.score, kind="stable")
    return [
        {
            "rows": len(part),
            "predicted": round(float(scored.score[part].mean()), 9),
            "observed": round(float(truth[part].mean()), 9),
        }
        for part in np.array_split(order, CALIBRATION_BINS)
        if len(part)
    ]


def pearson_residuals(scored: Scored) -> np.ndarray:
    """Return the residual (n,) of each count over the root of its prediction, which counts as 1e-9 if it is below.

    Those of Poisson counts spread by 1 (McCullagh and Nelder, Generalized Linear Models, section 2.4.1).
    """
    mean = np.maximum(scored.score.astype(np.float64), SMALLEST)
    residuals: np.ndarray = (scored.label - mean) / np.sqrt(mean)
    return residuals


def draw_calibration(groups: Sequence[Mapping[str, float]], case: UseCase, title: str, file: Path) -> None:
    """Draw what was observed over what was predicted, for the groups that `calibration` returns."""
    label, many = case.label, case.subject.many
    across, up = {
        "binary": ("predicted probability", f"observed share of {label.positive} {many}"),
        "multiclass": ("probability of the predicted class", f"share of {many} that have it"),
    }.get(label.kind, (f"predicted {quantity(label)}, mean of a tenth", f"observed {quantity(label)}, mean"))
    axes = new_axes(f"{title}: calibration", across, up)
    predicted, observed = ([group[key] for group in groups] for key in ("predicted", "observed"))
    top = max(*predicted, *observed)
    # Probabilities start at zero; the range of numbers may lie far from it.
    ends = [0, top * 1.05] if label.kind in CLASSIFIED else [min(*predicted, *observed), top]
    if label.kind == "count" and min(*predicted, *observed) > 0:
        # The tenths of counts lie close together at the low end.
        _with_logarithms(axes)
    axes.plot(ends, ends, color=SOFT, linestyle="--")
    axes.plot(predicted, observed, color=ACCENT, marker="o")
    save(axes, file)


def _with_logarithms(axes: Any) -> None:
    """Make both axes logarithmic, with plain numbers at their ticks."""
    from matplotlib.ticker import LogFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(LogFormatter())
        axis.set_minor_formatter(LogFormatter())


def quantity(label: Label) -> str:
    """Return the name of a predicted number with its unit."""
    return f"{label.column} ({label.unit})" if label.unit not in (None, label.column) else label.column


def _draw_roc(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    label, many = case.label, case.subject.many
    false_rate, recall, _ = curves(scored)
    axes = new_axes(f"{title}: ROC", f"{label.negative} {many} called {label.positive}", _found(case))
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--")
    axes.plot(false_rate, recall, color=ACCENT)
    save(axes, file)


def _draw_precision(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    positive = case.label.positive
    _, recall, precision = curves(scored)
    across, up = f"{_found(case)} (recall)", f"called {positive} and {positive} (precision)"
    axes = new_axes(f"{title}: precision and recall", across, up)
    axes.axhline(float(scored.label.mean()), color=SOFT, linestyle="--")
    axes.plot(recall, precision, color=ACCENT)
    axes.set_ylim(0, 1.02)
    save(axes, file)


def _found(case: UseCase) -> str:
    return f"{case.label.positive} {case.subject.many} found"


def _draw_confusion(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    """Draw the share of each true class (row) that is predicted as each class (column)."""
    names = [shown(name, 20) for name in case.label.classes or ()]
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, (scored.label, np.asarray(scored.predicted)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes = new_axes(f"{title}: predicted classes", "predicted", "true", height=max(4.5, 0.25 * len(names) + 1.5))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 4 else 0)
    axes.set_yticks(range(len(names)), names)
    if len(names) <= LARGEST_LETTERED:
        for (row, column), share in np.ndenumerate(shares):
            ink = "white" if share > 0.5 else INK
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=ink, fontsize=9)
    save(axes, file)


def _draw_observed(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    chosen, name = _dots(scored), quantity(case.label)
    predicted, observed = scored.score[chosen], scored.label[chosen]
    axes = new_axes(f"{title}: predicted and observed", f"predicted {name}", f"observed {name}")
    ends = [min(predicted.min(), observed.min()), max(predicted.max(), observed.max())]
    axes.plot(ends, ends, color=SOFT, linestyle="--")
    axes.scatter(predicted, observed, s=6, color=ACCENT, alpha=0.4, linewidths=0)
    save(axes, file)


def _draw_residuals(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    chosen, name = _dots(scored), quantity(case.label)
    predicted, observed = scored.score[chosen], scored.label[chosen]
    axes = new_axes(f"{title}: residuals", f"predicted {name}", "observed less predicted")
    axes.axhline(0, color=SOFT, linestyle="--")
    axes.scatter(predicted, observed - predicted, s=6, color=ACCENT, alpha=0.4, linewidths=0)
    save(axes, file)


def _draw_pearson(scored: Scored, case: UseCase, title: str, file: Path) -> None:
    """Draw residuals over the root of the prediction: those of Poisson counts would spread by 1 everywhere."""
    chosen, name = _dots(scored), quantity(case.label)
    predicted, residuals = scored.score[chosen], pearson_residuals(scored)[chosen]
    up = "Pearson residual: (observed - predicted) / √predicted"
    axes = new_axes(f"{title}: Pearson residuals", f"predicted {name}", up)
    for line in (-2, 0, 2):
        axes.axhline(line, color=SOFT, linestyle="--")
    axes.scatter(predicted, residuals, s=6, color=ACCENT, alpha=0.4, linewidths=0)
    save(axes, file)


def _dots(scored: Scored) -> slice:
    return slice(None, None, max(1, len(scored.label) // DOTS))


Draw = Callable[[Scored, UseCase, str, Path], None]
_NUMBERS: Mapping[str, Draw] = {"predicted_observed": _draw_observed, "residuals": _draw_residuals}
PICTURES: Mapping[str, Mapping[str, Draw]] = {
    "binary": {"roc": _draw_roc, "precision_recall": _draw_precision},
    "multiclass": {"confusion": _draw_confusion},
    "regression": _NUMBERS,
    "count": {"predicted_observed": _draw_observed, "residuals": _draw_pearson},
}
"""The pictures of each kind of label beside its calibration, by the name of their file."""
