"""How hard properties are tried: half a sample in CI, a sample in `make test`, thousands of cases in `make soak`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("HANDRAIL_TEST_EFFORT", "1"))
PART = 0.5 if os.environ.get("HANDRAIL_TEST_BRIEF") else 1
USUAL = int(100 * PART)
"""Of a property that asks for nothing else."""


def count_of(cases, name):
    """Return how many cases there are: as many as `HANDRAIL_TEST_<name>` says, else so many times the effort."""
    return int(os.environ.get(f"HANDRAIL_TEST_{name}", cases * TIMES))


def tried(cases, name="CASES"):
    """Return the settings of a property that is tried on so many cases, or as many times more as the effort says."""
    return settings(
        max_examples=max(1, int(count_of(cases, name) * PART)),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
