"""Each item goes to whom its subject was assigned, and whatever a challenger does, the champion answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from handrail.delivery import Challenger, Role, Slot, Split
from handrail.entrypoints.bentoml import traffic as traffic_module
from handrail.entrypoints.bentoml.lanes import Lane
from handrail.entrypoints.bentoml.predictor import Identity, Predictor
from handrail.entrypoints.bentoml.traffic import Beside, Traffic
from handrail.entrypoints.bentoml.trial import Champion
from handrail.entrypoints.bentoml.watch import Watch
from handrail.errors import Unavailable
from handrail.feedback import Prediction
from handrail.readings import Lack, Reading, Why
from handrail.scoring import Answered
from handrail.use_case import read_use_case

NOW = datetime(2013, 8, 1, 7, tzinfo=UTC)
CASE = read_use_case(Path(__file__).parents[3])
ITEMS = [CASE.example | {CASE.subject.column: f"s{number}"} for number in range(200)]


class Scores:
    """A model that answers one score, or does what `act` does."""

    def __init__(self, score: float, act: Callable[[], object] = lambda: None) -> None:
        self.score, self.act = score, act

    def encode(self, columns: Any) -> np.ndarray:
        return np.zeros((len(columns["n"]), 1), dtype=np.float32)

    def answer_encoded(self, encoded: np.ndarray) -> Answered:
        self.act()
        return Answered(np.full(len(encoded), self.score), np.zeros(len(encoded), dtype=np.int64))


class Scene:
    """A champion that answers 0.25, challengers as they are added, and what was kept and reported."""

    def __init__(self) -> None:
        self.kept: list[Prediction] = []
        self.failures: list[tuple[str, str]] = []
        self.split = Split(Slot("local", "flights"), "salt")
        self.lanes: dict[str, Lane] = {}
        self.lanes_of_champions: list[Lane] = []
        self.traffic = Traffic(Champion(self.champion("champion", Scores(0.25))), self._failed)

    def _failed(self, challenger: Challenger, sentence: str) -> None:
        self.failures.append((challenger.name, sentence))

    def predictor(self, name: str, scorer: Scores) -> Predictor:
        identity = Identity(f"deploy://local/flights/{name}", f"models:/flights/{name}", "flights_v1")
        return Predictor(
            cast("Any", scorer), lambda asked, _: {"n": asked}, self.kept.extend, lambda: NOW, identity, CASE
        )

    def champion(self, name: str, scorer: Scores) -> Lane:
        """Return a version on a thread that may answer for all."""
        lane = Lane(name, 1000)
        lane.predictor = self.predictor(name, scorer)
        self.lanes_of_champions.append(lane)
        return lane

    def add(self, name: str, role: Role, share: float, scorer: Scores) -> None:
        one = Challenger(name, role, share, f"models:/flights/{name}", "sha256:1", "canary", f"deploy://{name}")
        self.split = self.split.having(one)
        lane = self.lanes[name] = Lane(name)
        lane.predictor = self.predictor(name, scorer)
        self.traffic.follow(Beside(self.split, self.lanes))

    async def answer(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.traffic.answer(ITEMS))["predictions"]
        return found

    async def until(self, done: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if done():
                return
            await asyncio.to_thread(threading.Event().wait, 0.005)
        pytest.fail("it did not happen within 10 s")


def play(story: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def live() -> Scene:
        scene = Scene()
        await story(scene)
        for lane in (*scene.lanes.values(), *scene.lanes_of_champions):
            lane.close()
        return scene

    return asyncio.run(live())


def test_without_challengers_the_champion_answers_all() -> None:
    async def story(scene: Scene) -> None:
        assert {one["probability"] for one in await scene.answer()} == {0.25}

    assert {one.variant for one in play(story).kept} == {""}


def test_predictions_that_lacked_features_are_counted_for_the_slot_that_made_them(monkeypatch) -> None:
    counted: list[tuple[str, str, int]] = []
    monkeypatch.setattr(Watch, "degraded", lambda _watch, *found: counted.append(found))
    lack = Lack("prices", Why.AWAY, ("price",))

    async def story(scene: Scene) -> None:
        await scene.answer()
        assert counted == []
        champion = scene.lanes_of_champions[0]
        without = lambda asked, _: Reading({"n": asked}, {0: (lack,), 3: (lack,)})  # noqa: E731
        champion.predictor = replace(champion.loaded, look_up=without)
        found = await scene.answer()
        assert [at for at, one in enumerate(found) if "degraded" in one] == [0, 3]
        scene.add("two", Role.CANARY, 1.0, Scores(0.5))
        scene.lanes["two"].predictor = replace(scene.lanes["two"].loaded, look_up=without)
        await scene.answer()

    play(story)
    assert counted == [("champion", "deploy://local/flights/champion", 2), ("two", "deploy://local/flights/two", 2)]


def test_each_subject_gets_the_answer_of_whom_it_was_assigned_to_in_the_order_of_the_request() -> None:
    async def story(scene: Scene) -> None:
        scene.add("two", Role.CANARY, 0.3, Scores(0.75))
        answers = await scene.answer()

        assigned = [scene.split.assigned(str(item[CASE.subject.column])).name for item in ITEMS]
        assert [one[CASE.subject.column] for one in answers] == [item[CASE.subject.column] for item in ITEMS]
        assert [one["slot"] for one in answers] == assigned
        assert [one["probability"] for one in answers] == [{"two": 0.75}.get(name, 0.25) for name in assigned]
        assert [one["prediction_id"] for one in answers] == [one.prediction_id for one in scene.kept]
        assert 30 < assigned.count("two") < 90

    kept = play(story).kept
    assert {(one.variant, one.propensity, one.deployment) for one in kept} == {
        ("champion", 0.7, "deploy://local/flights/champion"),
        ("two", 0.3, "deploy://local/flights/two"),
    }


def _raise() -> None:
    raise ValueError("no such node")


@pytest.mark.parametrize(
    ("scorer", "why"),
    [
        (lambda stop: Scores(0.75, _raise), "ValueError: no such node"),
        (lambda stop: Scores(float("nan")), "is not a finite number"),
        (lambda stop: Scores(0.75, stop.wait), "did not answer within 0.2 s"),
    ],
    ids=["raises", "answers-nan", "hangs"],
)
def test_a_broken_challenger_loses_its_traffic_at_once_and_the_champion_answers(
    scorer: Callable[[threading.Event], Scores], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic_module, "CHALLENGER_PATIENCE_S", 0.2)
    monkeypatch.setattr(traffic_module, "AN_ITEM_S", 0.0)
    stop = threading.Event()

    async def story(scene: Scene) -> None:
        scene.add("two", Role.CANARY, 0.3, scorer(stop))
        first, second = await scene.answer(), await scene.answer()

        for answers in (first, second):
            assert {one["probability"] for one in answers} == {0.25}
            assert {one["slot"] for one in answers} == {"champion", "fallback"}

    scene = play(story)
    stop.set()
    assert len(scene.kept) == 2 * len(ITEMS)
    assert {(one.variant, one.propensity) for one in scene.kept} == {("champion", 0.7), ("fallback", None)}
    ((name, sentence),) = scene.failures
    assert name == "two"
    assert why in sentence


def test_what_the_champion_cannot_answer_either_costs_no_challenger_its_traffic() -> None:
    async def story(scene: Scene) -> None:
        scene.add("two", Role.CANARY, 0.3, Scores(0.75, _raise))
        champion = cast("Scores", scene.lanes_of_champions[0].loaded.scorer)
        champion.act = _raise
        with pytest.raises(ValueError, match="no such node"):
            await scene.answer()
        assert scene.failures == []
        champion.act = lambda: None
        await scene.answer()

    assert [name for name, _ in play(story).failures] == ["two"]


def test_who_waits_behind_others_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_module, "CHALLENGER_PATIENCE_S", 0.3)
    monkeypatch.setattr(traffic_module, "AN_ITEM_S", 0.0)

    async def story(scene: Scene) -> None:
        pause = threading.Event()
        scene.add("two", Role.CANARY, 0.3, Scores(0.75, lambda: pause.wait(0.1)))
        answers = await asyncio.gather(*(scene.answer() for _ in range(8)))
        assert {one["slot"] for each in answers for one in each} >= {"champion", "fallback"}

    assert play(story).failures == []


def test_a_store_that_is_away_for_a_moment_costs_no_challenger_its_traffic() -> None:
    def away() -> None:
        raise Unavailable("The online feature store", "database is locked", "Send it again.")

    async def story(scene: Scene) -> None:
        scorer = Scores(0.75, away)
        scene.add("two", Role.CANARY, 0.3, scorer)
        first = await scene.answer()
        scorer.act = lambda: None
        second = await scene.answer()

        assert {one["slot"] for one in first} == {"champion", "fallback"}
        assert {one["slot"] for one in second} == {"champion", "two"}

    assert play(story).failures == []


def test_a_shadow_is_recorded_and_returned_to_nobody() -> None:
    async def story(scene: Scene) -> None:
        scene.add("dark", Role.SHADOW, 0.5, Scores(0.75))
        answers = await scene.answer()

        assert {(one["slot"], one["probability"]) for one in answers} == {("champion", 0.25)}
        await scene.until(lambda: len(scene.kept) > len(ITEMS))

    kept = play(story).kept
    dark = [one for one in kept if one.variant == "dark"]
    assert 60 < len(dark) < 140
    assert {(one.score, one.sampled, one.propensity, one.made_at) for one in dark} == {(0.75, 0.5, None, NOW)}


def test_a_shadow_that_hangs_keeps_nobody_waiting_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_module, "SHADOW_PATIENCE_S", 0.2)
    stop = threading.Event()

    async def story(scene: Scene) -> None:
        scene.add("dark", Role.SHADOW, 1.0, Scores(0.75, stop.wait))
        for _ in range(3):
            answers = await asyncio.wait_for(scene.answer(), 5)
            assert {one["slot"] for one in answers} == {"champion"}
        await scene.until(lambda: bool(scene.failures))
        await scene.answer()

    scene = play(story)
    stop.set()
    assert [name for name, _ in scene.failures] == ["dark"]
    assert {one.variant for one in scene.kept} == {"champion"}


def test_of_two_challengers_one_that_breaks_costs_the_other_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.add("two", Role.CANARY, 0.3, Scores(0.75, _raise))
        scene.add("three", Role.VARIANT, 0.3, Scores(0.5))
        answers = await scene.answer()

        assert {one["slot"]: one["probability"] for one in answers} == {
            "champion": 0.25,
            "fallback": 0.25,
            "three": 0.5,
        }

    assert [name for name, _ in play(story).failures] == ["two"]


def test_where_nothing_can_be_written_down_nothing_is_answered() -> None:
    def full(_: object) -> None:
        raise Unavailable("The spool", "No space left on device", "Free the disk.")

    async def story(scene: Scene) -> None:
        scene.add("two", Role.CANARY, 0.3, Scores(0.75))
        object.__setattr__(scene.lanes_of_champions[0].loaded, "keep", full)
        with pytest.raises(Unavailable, match="No space left"):
            await scene.answer()

    assert play(story).kept == []
