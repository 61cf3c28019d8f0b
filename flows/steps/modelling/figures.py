"""Pictures of models for reviewers: PNG files whose bytes depend on the figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handrail.statistics import Scored

INK, ACCENT, SOFT = "#1f2933", "#2563eb", "#9aa5b1"
CURVE_POINTS = 500
CALIBRATION_BINS = 10


def draw_performance(scored: Scored, title: str, folder: Path) -> None:
    """Write roc.png, precision_recall.png and calibration.png of one model into `folder`."""
    false_rate, recall, precision = curves(scored)
    base_rate = float(scored.label.mean())
    axes = _axes(f"{title}: ROC", "punctual flights called late", "late flights found")
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--")
    axes.plot(false_rate, recall, color=ACCENT)
    _save(axes, folder / "roc.png")
    axes = _axes(f"{title}: precision and recall", "late flights found (recall)", "called late and late (precision)")
    axes.axhline(base_rate, color=SOFT, linestyle="--")
    axes.plot(recall, precision, color=ACCENT)
    axes.set_ylim(0, 1.02)
    _save(axes, folder / "precision_recall.png")
    draw_calibration(calibration(scored), title, folder / "calibration.png")


def curves(scored: Scored) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return false-positive rate, recall and precision at up to 500 thresholds, highest first, ties together."""
    order = np.argsort(-scored.score, kind="stable")
    late, score = scored.label[order], scored.score[order]
    ends = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(int))]
    found, called = np.cumsum(late, dtype=np.float64)[ends], ends + 1.0
    positives = late.sum()
    return (called - found) / (len(late) - positives), found / positives, found / called


def calibration(scored: Scored) -> list[dict[str, float]]:
    """Return ten groups of equal size by score: rows, mean predicted probability and observed share of late."""
    order = np.argsort(scored.score, kind="stable")
    return [
        {
            "rows": len(part),
            "predicted": round(float(scored.score[part].mean()), 9),
            "observed": round(float(scored.label[part].mean()), 9),
        }
        for part in np.array_split(order, CALIBRATION_BINS)
        if len(part)
    ]


def draw_calibration(groups: Sequence[Mapping[str, float]], title: str, file: Path) -> None:
    """Draw observed over predicted share of late flights for the groups that `calibration` returns."""
    axes = _axes(f"{title}: calibration", "predicted probability", "observed share of late flights")
    predicted, observed = ([group[key] for group in groups] for key in ("predicted", "observed"))
    top = max(*predicted, *observed) * 1.05
    axes.plot([0, top], [0, top], color=SOFT, linestyle="--")
    axes.plot(predicted, observed, color=ACCENT, marker="o")
    _save(axes, file)


def draw_bars(title: str, label: str, bars: Mapping[str, Mapping[str, float]], file: Path) -> None:
    """Draw one horizontal bar a name, first on top; a bar is {value, low, high}, low and high its interval."""
    axes = _axes(title, label, "", height=max(2.5, 0.28 * len(bars) + 1.2))
    places = np.arange(len(bars))[::-1]
    values = np.array([bar["value"] for bar in bars.values()])
    spread = np.abs(np.array([[bar["low"], bar["high"]] for bar in bars.values()]).T - values)
    axes.barh(places, values, xerr=spread, color=ACCENT, ecolor=INK, capsize=2, height=0.7)
    axes.set_yticks(places, list(bars))
    lowest = min(bar["low"] for bar in bars.values())
    if lowest > 0.4:
        axes.set_xlim(left=0.4)
    _save(axes, file)


def _axes(title: str, across: str, up: str, height: float = 4.5) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, color=INK, loc="left", fontsize=11)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _save(axes: Any, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(file, metadata={"Software": None})
