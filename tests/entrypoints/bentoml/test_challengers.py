"""A process follows its slot: what fails is reported once and for its own bytes, and a rollback waits for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from handrail.delivery import Challenger, Change, End, Role, Slot, Split, Splitter
from handrail.entrypoints.bentoml import challengers as challengers_module
from handrail.entrypoints.bentoml.challengers import Challengers
from handrail.entrypoints.bentoml.traffic import Beside
from handrail.errors import Refused, Unavailable
from tests.fakes.delivery import USE, SplitsInMemory

SLOT = Slot("local", "flights")


def a_challenger(name: str = "two", digest: str = "sha256:1", share: float = 0.1) -> Challenger:
    return Challenger(name, Role.CANARY, share, f"models:/m/{digest}", digest, "canary", f"deploy://local/m/{digest}")


class Scene:
    """A split in memory, a process that follows it, and what loading each one's bytes does."""

    def __init__(self) -> None:
        self.splits = SplitsInMemory()
        self.beside: Beside | None = None
        self.loads: dict[str, Callable[[], object]] = {}
        self.loaded: list[str] = []
        clock = lambda: datetime(2026, 11, 30, tzinfo=UTC)  # noqa: E731
        self.splitter = Splitter(SLOT, USE, Path("none"), cast("Any", None), self.splits, clock, print)
        self.meanwhile: Callable[[], object] | None = None
        """What somebody else does right after the next reading of the split."""
        follower = SimpleNamespace(current=self._current, end=self.splitter.end, lend=self._lend)
        self.process = Challengers(lambda: cast("Splitter", follower), cast("Any", self._make), self._use)

    def _current(self) -> Change | None:
        found, then, self.meanwhile = self.splitter.current(), self.meanwhile, None
        if then is not None:
            then()
        return found

    @contextmanager
    def _lend(self, challenger: Challenger) -> Iterator[Any]:
        self.loaded.append(challenger.tree_digest)
        self.loads.get(challenger.tree_digest, lambda: None)()
        yield SimpleNamespace(tree=None)

    def _make(self, challenger: Challenger, _scorer: object) -> object:
        return challenger

    def _use(self, beside: Beside | None) -> None:
        self.beside = beside

    def put(self, *challengers: Challenger) -> None:
        """Record that exactly these are beside the champion."""
        now = self.splitter.current()
        number = now.number + 1 if now else 1
        self.splits.append(Change(number, Split(SLOT, "salt", challengers), self.splitter.clock(), "ada", "so it is"))

    def able(self) -> set[str]:
        """Return who can answer now."""
        found = self.beside
        return {each.name for each in found.split.challengers if found.can(each.name)} if found else set()

    async def until(self, done: Callable[[], bool]) -> None:
        for _ in range(400):
            await self.process.look()
            if done():
                return
            await asyncio.to_thread(threading.Event().wait, 0.01)
        pytest.fail("it did not happen")


def play(story: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(challengers_module.Scorer, "load", lambda _tree: None)
    monkeypatch.setattr(challengers_module, "LOADED_AGAIN_S", 0.05)

    async def live() -> Scene:
        scene = Scene()
        await story(scene)
        scene.process.close()
        return scene

    return asyncio.run(live())


def test_a_challenger_is_loaded_once_and_again_for_no_other_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        scene.put(a_challenger())
        await scene.until(lambda: scene.able() == {"two"})
        scene.put(a_challenger(share=0.5))
        await scene.until(lambda: bool(scene.beside) and scene.beside.split.shares()["two"] == 0.5)
        scene.put()
        await scene.until(lambda: scene.beside is None)

    assert play(story, monkeypatch).loaded == ["sha256:1"]


def test_a_rollback_is_followed_while_another_one_is_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    async def story(scene: Scene) -> None:
        scene.put(a_challenger())
        await scene.until(lambda: scene.able() == {"two"})
        scene.loads["sha256:3"] = stop.wait
        scene.put(a_challenger(), a_challenger("three", "sha256:3"))
        await scene.until(lambda: "sha256:3" in scene.loaded)
        assert scene.able() == {"two"}
        scene.put(a_challenger("three", "sha256:3"))
        await scene.until(lambda: scene.able() == set())

    play(story, monkeypatch)
    stop.set()


def test_what_was_away_for_a_moment_is_loaded_again_and_nobody_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("The online feature store", "database is locked", "Send it again.")

    async def story(scene: Scene) -> None:
        scene.loads["sha256:1"] = away
        scene.put(a_challenger())
        await scene.until(lambda: len(scene.loaded) >= 2)
        del scene.loads["sha256:1"]
        await scene.until(lambda: scene.able() == {"two"})

    assert [each.end for each in play(story, monkeypatch).splits.kept] == [None]


def test_what_may_not_be_served_is_ended_for_every_process_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise Refused("Serving two", ("A permit for 'shadow' does not allow that.",))

    async def story(scene: Scene) -> None:
        scene.loads["sha256:1"] = refused
        scene.put(a_challenger())
        await scene.until(lambda: len(scene.splits.kept) == 2)

    last = play(story, monkeypatch).splits.kept[-1]
    assert (last.ended, last.end, last.split.challengers) == ("two", End.ERRORED, ())
    assert "does not allow that" in last.reason


def test_a_failure_that_is_reported_late_does_not_end_the_one_that_came_after(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(scene: Scene) -> None:
        scene.put(a_challenger())
        await scene.until(lambda: scene.able() == {"two"})
        scene.process.failed(a_challenger(), "The challenger two failed: \ud800\0.")
        scene.meanwhile = lambda: scene.put(a_challenger(digest="sha256:2"))
        await scene.process.look()
        await scene.until(lambda: scene.able() == {"two"})

    scene = play(story, monkeypatch)
    assert [each.end for each in scene.splits.kept] == [None, None]
    assert "The challenger two failed: \\ud800." in caplog.messages
    assert scene.loaded == ["sha256:1", "sha256:2"]


def test_what_a_look_meets_does_not_end_the_following(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challengers_module, "LOOK_EVERY_S", 0.01)

    async def story(scene: Scene) -> None:
        looks = []

        async def look() -> None:
            looks.append(1)
            raise TypeError("unexpected field")

        monkeypatch.setattr(scene.process, "look", look)
        task = asyncio.create_task(scene.process.follow())
        for _ in range(400):
            if len(looks) > 2:
                break
            await asyncio.to_thread(threading.Event().wait, 0.01)
        assert not task.done()
        task.cancel()

    play(story, monkeypatch)
