"""Which month monitoring looks at when nobody names one."""

from __future__ import annotations

from datetime import timedelta

from flows.steps.monitoring.month import Month, read_month
from handrail.bootstrap import Platform

KIND = "ground_truth"


def due_month(platform: Platform) -> str | None:
    """Return the newest month all of whose forecasts are mature by event time; None while nothing was deployed."""
    if not platform.feedback.deployments():
        return None
    now = platform.event_clock()
    wait = platform.feedback.kind(KIND).maturity_window
    month = read_month(f"{now:%Y-%m}")
    while month.end + wait > now:
        month = _before(month)
    return month.name


def _before(month: Month) -> Month:
    return read_month(f"{month.first - timedelta(days=1):%Y-%m}")
