"""How hard properties are tried: a sample in every run, thousands of cases in `make soak`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("HANDRAIL_TEST_EFFORT", "1"))


def tried(cases):
    """Return the settings of a property that is tried on so many cases, or as many times more as the effort says."""
    return settings(
        max_examples=cases * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
