"""What a new project starts with, in figures that depend on its table: each is written once, into a file to edit."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from handrail.scaffold.draft import Draft
from handrail.statistics import METRICS_OF

MARGINS = {"binary": 0.005, "multiclass": 0.01}
MARGIN_OF_LIMIT = 0.02
"""Of numbers: a challenger's error may be larger by this part of the limit."""
SHORTEST_MATURITY_H = 48
LATEST_REPORT = timedelta(days=3)
"""The replay reports some outcomes up to 60 hours after they are known; months are judged when that is over."""
EXACTNESS = 1e-5
"""ONNX computes in float32: so far may it be from the model, of a probability or as a share of the largest number."""


def defaults_of(draft: Draft) -> dict[str, Any]:
    """Return the values that the template knows beside the draft."""
    label, is_classified = draft.label, draft.kind in MARGINS
    scale = 1.0 if is_classified else max(1.0, abs(label.low or 0.0), abs(label.high or 0.0))
    waited = ceil((draft.outcomes_until - draft.live_until) / timedelta(hours=1))
    main = next(metric for metric in METRICS_OF[draft.kind] if metric.name == draft.main_metric)
    return {
        "margin": MARGINS.get(draft.kind) or _rounded((draft.limit or scale) * MARGIN_OF_LIMIT),
        "outcomes_until": draft.outcomes_until + LATEST_REPORT,
        "maturity_hours": max(SHORTEST_MATURITY_H, waited),
        "shortest_maturity_hours": SHORTEST_MATURITY_H,
        "largest_difference": f"{EXACTNESS:.1e}",
        "smallest_leaf": _between(10, draft.rows // 100, 200),
        "smallest_slice": _between(20, draft.rows // 100, 300),
        "sampled_rows": _between(100, draft.rows // 5, 4000),
        "side": "at_most" if main.better == "lower" else "at_least",
        "is_classified": is_classified,
    }


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
