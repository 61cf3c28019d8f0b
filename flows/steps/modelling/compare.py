"""The comparison of two models as evidence: numbers by the names that policies cite."""

from __future__ import annotations

from typing import Any

from handrail.statistics import Comparison


def as_evidence(found: Comparison) -> dict[str, Any]:
    """Return what a promotion request carries.

    Returns:
        metric, delta (how much better the challenger is), ci_low, ci_high (95 % percentile interval), champion_value,
        challenger_value, n (subjects), clusters, margin, not_worse (`ci_low >= -margin`).
    """
    return {
        "metric": found.metric,
        "delta": found.gain,
        "ci_low": found.low,
        "ci_high": found.high,
        "champion_value": found.champion,
        "challenger_value": found.challenger,
        "n": found.subjects,
        "clusters": found.clusters,
        "margin": found.margin,
        "not_worse": found.not_worse,
    }
