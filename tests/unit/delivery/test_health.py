"""Loads add up, and a quantile of their histogram lies in the bucket of the true one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.delivery import Load
from handrail.delivery.domain.health import BOUNDS_S, Fault, bucket_of, fault_of

latencies = st.lists(st.floats(0, 20), max_size=60)


def load_of(seconds: list[float]) -> Load:
    counts = [0] * (len(BOUNDS_S) + 1)
    for each in seconds:
        counts[bucket_of(each)] += 1
    return Load(asked=len(seconds), latencies=tuple(counts), seconds=sum(seconds))


@given(latencies.filter(bool), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], share: float) -> None:
    true = sorted(seconds)[max(math.ceil(share * len(seconds)) - 1, 0)]

    found = load_of(seconds).quantile(share)

    assert found is not None
    place = min(bucket_of(true), len(BOUNDS_S) - 1)
    assert (BOUNDS_S[place - 1] if place else 0) <= found <= BOUNDS_S[place]


def test_no_latency_has_no_quantile() -> None:
    assert Load().quantile(0.5) is None


@given(latencies, latencies)
def test_loads_add_up_as_their_requests_do(one: list[float], two: list[float]) -> None:
    added = load_of(one) + load_of(two)

    assert added.latencies == load_of(one + two).latencies
    assert added.asked == len(one) + len(two)


def test_what_a_caller_did_wrong_is_no_error_of_the_service() -> None:
    load = Load(faults={Fault.REFUSED: 7, Fault.FAILED: 1, Fault.SLOW: 2}) + Load(faults={Fault.BUSY: 3})

    assert load.errors == 6
    assert load.faults == {Fault.REFUSED: 7, Fault.FAILED: 1, Fault.SLOW: 2, Fault.BUSY: 3}


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None),
        (304, None),
        (400, Fault.REFUSED),
        (401, Fault.REFUSED),
        (408, Fault.SLOW),
        (429, Fault.BUSY),
        (499, Fault.REFUSED),
        (500, Fault.FAILED),
        (503, Fault.UNAVAILABLE),
        (504, Fault.SLOW),
    ],
)
def test_each_status_is_one_fault(status: int, fault: Fault | None) -> None:
    assert fault_of(status) is fault
