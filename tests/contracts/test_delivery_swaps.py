"""What every `Swaps` promises."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.delivery import Outcome, Slot, Swap, Swaps
from tests.fakes.delivery import SwapsInMemory
from tests.fakes.delivery_store import swaps_of
from tests.fakes.feedback_store import DATABASES

SLOT = Slot("local", "flights")
AT = datetime(2026, 11, 30, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture(params=["memory", *DATABASES])
def swaps(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Swaps]:
    if request.param == "memory":
        yield SwapsInMemory()
        return
    with swaps_of(request.param, tmp_path) as found:
        yield found


def swap(version: str, outcome: Outcome = Outcome.SERVED, slot: Slot = SLOT) -> Swap:
    return Swap(slot, AT, "the service", outcome, slot.deployment(version).uri, "", "It was verified and answers.")


def test_records_come_back_as_they_were_the_newest_first(swaps: Swaps) -> None:
    first, second = swap("v1"), swap("v2", Outcome.REFUSED)
    for each in (first, second, swap("v9", slot=Slot("local", "other"))):
        swaps.append(each)

    assert list(swaps.last(SLOT, 10)) == [second, first]
    assert list(swaps.last(SLOT, 1)) == [second]


def test_the_same_may_happen_twice(swaps: Swaps) -> None:
    swaps.append(swap("v1"))
    swaps.append(swap("v1"))

    assert len(swaps.last(SLOT, 10)) == 2
