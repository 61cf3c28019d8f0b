"""How a picture looks: axes, bars and scattered points as PNG files whose bytes depend on the figures alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

INK, ACCENT, SOFT = "#1f2933", "#2563eb", "#9aa5b1"
LONGEST = 40


def draw_bars(
    title: str, label: str, bars: Mapping[str, Mapping[str, float]], file: Path, *, cut: float | None = None
) -> None:
    """Draw one horizontal bar a name, first on top; a bar is {value, low, high}, low and high its interval.

    Bars begin at 0, or at `cut` if none of them ends before it.
    """
    axes = new_axes(title, label, "", height=max(2.5, 0.28 * len(bars) + 1.2))
    places = np.arange(len(bars))[::-1]
    values = np.array([bar["value"] for bar in bars.values()])
    spread = np.abs(np.array([[bar["low"], bar["high"]] for bar in bars.values()]).T - values)
    axes.barh(places, values, xerr=spread, color=ACCENT, ecolor=INK, capsize=2, height=0.7)
    axes.set_yticks(places, [shown(name) for name in bars])
    lowest = min(bar["low"] for bar in bars.values())
    if cut is not None and lowest > cut:
        axes.set_xlim(left=cut)
    save(axes, file)


def new_axes(title: str, across: str, up: str, height: float = 4.5) -> Any:
    """Return empty axes with a title and the names of both directions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(shown(title, None), color=INK, loc="left", fontsize=11)
    axes.set_xlabel(shown(across, None))
    axes.set_ylabel(shown(up, None))
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def save(axes: Any, file: Path) -> None:
    """Write the picture, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # A name may hold signs that the font lacks; a box in their place is enough.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        axes.figure.savefig(file, metadata={"Software": None})


def shown(text: str, longest: int | None = LONGEST) -> str:
    """Return text that is drawn as it stands, a long one cut: a dollar sign would start a formula."""
    cut = text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"
    return cut.replace("$", r"\$")
