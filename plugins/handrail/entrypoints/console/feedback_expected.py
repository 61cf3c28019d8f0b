"""What a figure will probably be, of the predictions whose outcomes are not due yet: a row of the page of feedback."""

from __future__ import annotations

from typing import Any

from handrail.entrypoints.console.words import digits_within
from handrail.feedback import Cohort, expected_of

Row = dict[str, Any]
DRAWS = 40
"""Enough for the two digits of an interval that a page shows; the command takes more."""


def expected_row(read: Cohort, metric: str) -> Row | None:
    """Return the estimate for the deployment that answered last, and how well the same estimate did; None without one.

    Raises:
        MissingTool: NumPy is not installed.
    """
    if not len(read):
        return None
    found = expected_of(read.of_deployment(read.deployment[-1]), metric, DRAWS)
    if found is None:
        return None
    then = found.hindsight
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "digits": digits_within(found.low, found.high),
        "predictions": found.predictions,
        "deployment": found.deployment,
        "before": {
            "value": then.estimated,
            "low": then.low,
            "high": then.high,
            "digits": digits_within(then.low, then.high),
            "realised": then.realised,
            "predictions": then.predictions,
            "held": then.held,
        },
    }
