"""A champion on trial: what it cannot answer, the one before answers, and then answers everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from handrail.entrypoints.bentoml import trial as trial_module
from handrail.entrypoints.bentoml.lanes import Broken, Lane
from handrail.entrypoints.bentoml.trial import Champion
from handrail.errors import Unavailable


def lane(name: str) -> Lane:
    found = Lane(name, 100)
    found.predictor = cast("Any", SimpleNamespace(name=name))
    return found


class Scene:
    """A new version on trial before an old one; `acts` says what each does, and `broken` what was reported."""

    def __init__(self, *, may_answer: bool = True) -> None:
        self.broken: list[str] = []
        self.acts: dict[str, Callable[[], object]] = {}
        self.new, self.old = lane("new"), lane("old")
        self.champion = Champion(self.new, self.old, lambda: may_answer, lambda _one, said: self.broken.append(said))

    async def ask(self) -> str:
        def work(one: Any) -> str:
            self.acts.get(one.name, lambda: None)()
            return f"by {one.name}"

        who, said = await self.champion.ask(work, 1)
        assert said == f"by {cast('Any', who).name}"
        return said


def play(story: Callable[[Scene], Awaitable[None]], scene: Callable[[], Scene] = Scene) -> Scene:
    async def live() -> Scene:
        found = scene()
        await story(found)
        found.old.close()
        return found

    return asyncio.run(live())


def _raise() -> None:
    raise ValueError("no such node")


def test_a_version_on_trial_answers_while_it_can() -> None:
    async def story(scene: Scene) -> None:
        assert {await scene.ask() for _ in range(5)} == {"by new"}

    assert play(story).broken == []


def test_what_it_raises_at_is_answered_by_the_one_before_and_so_is_all_that_follows() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.ask() == "by new"
        scene.acts["new"] = _raise
        assert await scene.ask() == "by old"
        scene.acts.clear()
        assert {await scene.ask() for _ in range(3)} == {"by old"}

    assert play(story).broken == ["ValueError: no such node."]


def test_many_requests_behind_one_that_hangs_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "TRIAL_PATIENCE_S", 0.2)
    stop = threading.Event()

    async def story(scene: Scene) -> None:
        scene.acts["new"] = stop.wait
        found = await asyncio.wait_for(asyncio.gather(*(scene.ask() for _ in range(30))), 20)
        assert set(found) == {"by old"}

    scene = play(story)
    stop.set()
    assert len(scene.broken) == 1
    assert "did not answer within" in scene.broken[0]


def test_who_is_only_slow_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "TRIAL_PATIENCE_S", 0.2)
    asked, done = threading.Event(), threading.Event()

    async def story(scene: Scene) -> None:
        scene.acts["new"] = asked.wait
        scene.acts["old"] = lambda: (asked.set(), done.wait(0.5))
        assert await scene.ask() == "by old"
        scene.acts.clear()
        assert await scene.ask() == "by new"

    assert play(story).broken == []


def test_what_the_one_before_cannot_answer_either_costs_the_champion_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.acts |= {"new": _raise, "old": _raise}
        with pytest.raises(ValueError, match="no such node"):
            await scene.ask()
        scene.acts.clear()
        assert await scene.ask() == "by new"

    assert play(story).broken == []


def test_a_store_that_is_away_costs_the_champion_nothing() -> None:
    def away() -> None:
        raise Unavailable("The online feature store", "database is locked", "Send it again.")

    async def story(scene: Scene) -> None:
        scene.acts["new"] = away
        with pytest.raises(Unavailable):
            await scene.ask()
        scene.acts.clear()
        assert await scene.ask() == "by new"

    assert play(story).broken == []


def test_one_without_a_permit_answers_nothing_and_the_champion_stays() -> None:
    async def story(scene: Scene) -> None:
        scene.acts["new"] = _raise
        with pytest.raises(Broken, match="no such node"):
            await scene.ask()
        scene.acts.clear()
        assert await scene.ask() == "by new"

    assert play(story, lambda: Scene(may_answer=False)).broken == []


def test_what_is_held_is_counted_until_its_request_ended() -> None:
    async def story(scene: Scene) -> None:
        with scene.champion.held(), scene.champion.held():
            assert (scene.new.users, scene.old.users) == (2, 2)
        assert (scene.new.users, scene.old.users) == (0, 0)

    play(story)
