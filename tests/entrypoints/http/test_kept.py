"""What is read elsewhere and kept: how old it may be, who waits, and what happens while it cannot be read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from handrail.entrypoints.http.kept import Kept, Pace
from handrail.errors import Unavailable

PACE = Pace(fresh_s=1, waits_s=3, stale_s=600, again_s=1)


class Source:
    """Numbers its readings; it may be away, or wait for `gate`."""

    def __init__(self) -> None:
        self.now, self.reads, self.away = 0.0, 0, False
        self.raises: Exception = Unavailable("The store", "it is away", "Start it.")
        self.gate = threading.Event()
        self.gate.set()

    def read(self) -> int:
        self.reads += 1
        found, away = self.reads, self.away
        self.gate.wait(10)
        if away:
            raise self.raises
        return found

    def clock(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(source: Source) -> Kept[int]:
    return Kept("The numbers", source.read, PACE, source.clock)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def nothing(_value: int) -> bool:
    return False


async def quiet(kept: Kept[int]) -> None:
    """Let a reading that is under way end."""
    if kept._task is not None:
        await asyncio.wait({kept._task})


def test_what_is_fresh_is_not_read_again(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        assert [await kept.value(nothing) for _ in range(3)] == [1, 1, 1]
        source.now = 1.0
        assert await kept.value(nothing) == 1
        assert source.reads == 1

    run(work)


def test_what_is_no_longer_fresh_is_read_beside_the_requests(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.now = 1.5
        assert await kept.value(nothing) == 1
        await quiet(kept)
        assert await kept.value(nothing) == 2

    run(work)


def test_what_is_old_is_waited_for(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.now = 3.5
        assert await kept.value(nothing) == 2

    run(work)


def test_what_is_lacking_is_read_at_once_but_not_again_and_again(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        assert await kept.value(lambda value: value < 2) == 1
        source.now = 1.0
        assert await kept.value(lambda value: value < 2) == 2
        for _ in range(100):
            await kept.value(lambda value: value < 99)
        assert source.reads == 2

    run(work)


def test_while_it_cannot_be_read_what_was_read_counts_and_nobody_waits(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.away, source.now = True, 4.0
        assert await kept.value(nothing) == 1
        source.gate.clear()
        source.now = 6.0
        assert await asyncio.wait_for(kept.value(nothing), 1) == 1
        source.gate.set()
        await quiet(kept)
        source.away, source.now = False, 8.0
        await kept.value(nothing)
        await quiet(kept)
        assert await kept.value(nothing) == source.reads

    run(work)


def test_it_counts_no_more_when_it_could_not_be_read_for_too_long(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.away, source.now = True, 600.0
        assert await kept.value(nothing) == 1
        source.now = 601.5
        assert await kept.value(nothing) is None

    run(work)


def test_before_anything_could_be_read_there_is_nothing(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        source.away = True
        assert await kept.value(nothing) is None
        source.away, source.now = False, 1.0
        assert await kept.value(nothing) == 2

    run(work)


def test_many_at_once_wait_for_one_reading(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        assert await asyncio.gather(*(kept.value(nothing) for _ in range(50))) == [1] * 50
        assert source.reads == 1

    run(work)


def test_a_reading_that_hangs_holds_nobody_for_long_and_lets_nothing_old_count(
    kept: Kept[int], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handrail.entrypoints.http.kept.PATIENCE_S", 0.05)

    async def work() -> None:
        await kept.value(nothing)
        source.gate.clear()
        source.now = 2.0
        assert await asyncio.wait_for(kept.value(lambda _: True), 5) == 1
        source.now = 4.0
        assert await asyncio.wait_for(kept.value(nothing), 5) is None
        assert await asyncio.wait_for(kept.value(lambda _: True), 5) is None
        source.gate.set()
        await quiet(kept)

    run(work)


def test_after_a_quiet_time_a_slow_source_is_not_taken_for_one_that_is_away(
    kept: Kept[int], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handrail.entrypoints.http.kept.PATIENCE_S", 0.05)

    async def work() -> None:
        await kept.value(nothing)
        source.now = 590.0
        source.gate.clear()
        assert await kept.value(nothing) is None
        source.gate.set()
        await quiet(kept)
        assert await kept.value(nothing) == 2

    run(work)


def test_a_source_that_was_away_before_a_quiet_time_is_waited_for(kept: Kept[int], source: Source) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.away, source.now = True, 4.0
        assert await kept.value(nothing) == 1
        source.away, source.now = False, 500.0
        assert await kept.value(nothing) == 3

    run(work)


@pytest.mark.parametrize("error", [ValueError("'audit' is not a right\nand more"), TypeError(), RuntimeError("thread")])
def test_any_error_counts_as_away_and_is_logged_once_in_one_line(
    kept: Kept[int], source: Source, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        await kept.value(nothing)
        source.away, source.raises, source.now = True, error, 4.0
        assert await kept.value(nothing) == 1
        source.now = 6.0
        await kept.value(nothing)
        await quiet(kept)
        source.now = 700.0
        assert await kept.value(nothing) is None

    run(work)

    (said,) = (record.getMessage() for record in caplog.records if record.name == "handrail.bentoml")
    assert said.startswith("The numbers cannot be read")
    assert type(error).__name__ in said
    assert "and more" not in said
