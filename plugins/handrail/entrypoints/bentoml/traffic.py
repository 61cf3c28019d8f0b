"""Who answers a request where a champion has challengers: each item goes to whom its subject was assigned."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handrail.delivery import CHAMPION, FALLBACK, Assigned, Challenger, Split
from handrail.entrypoints.bentoml.lanes import Broken, Lane
from handrail.entrypoints.bentoml.predictor import Items, Predictor
from handrail.entrypoints.bentoml.watch import UNWATCHED, Watch, answered_with
from handrail.errors import HandrailError, Unavailable
from handrail.feedback import Prediction

PATIENCE_S, AN_ITEM_S = 1.0, 0.002
"""So long a served challenger may take for a batch, and more for each item; then the champion answers instead."""
SHADOW_PATIENCE_S = 5.0
Champion = Callable[[Callable[[], Any]], Any]
"""Does some work on the champion's thread; awaitable."""

_log = logging.getLogger("handrail.bentoml")


@dataclass(frozen=True, slots=True)
class Beside:
    """The challengers that answer beside the champion now, each with its lane."""

    split: Split
    lanes: Mapping[str, Lane]
    broken: set[str] = field(default_factory=set)

    def assigned(self, subject: str) -> Assigned:
        """Return who answers about a subject; the champion instead of one that cannot."""
        found = self.split.assigned(subject)
        if found.name != CHAMPION and not self.can(found.name):
            return Assigned(FALLBACK, None)
        return found

    def can(self, name: str) -> bool:
        """Say whether a challenger is loaded and did not fail."""
        return name in self.lanes and name not in self.broken


class Traffic:
    """Answers requests with one champion, and with the challengers that are beside it at the moment."""

    def __init__(
        self,
        champion: Predictor,
        on_champion: Champion,
        failed: Callable[[Challenger, str], None],
        watch: Watch = UNWATCHED,
    ) -> None:
        """Let the champion alone answer; `failed` gets a challenger that could not, and the reason."""
        self._champion, self._on_champion = champion, on_champion
        self._failed = failed
        self._watch = watch
        self._beside: Beside | None = None
        self._shadowing: set[asyncio.Task[None]] = set()
        self.not_shadowed = 0
        """How many predictions in shadow were not made, because too many waited."""

    def follow(self, beside: Beside | None) -> None:
        """Answer with other challengers from the next request on."""
        self._beside = beside

    async def answer(self, items: Items) -> dict[str, Any]:
        """Answer a batch, one answer an item, in order; what is answered was written down before.

        Raises:
            Unavailable: the champion cannot answer, or nothing can be written down; then none counts.
        """
        beside, champion = self._beside, self._champion
        if beside is None:
            with self._watch.slot(CHAMPION, champion.identity.deployment, len(items)):
                found: dict[str, Any] = await self._on_champion(lambda: champion.answer(items))
            answered_with(found["predictions"], (CHAMPION,), champion.identity.deployment)
            return found
        made_at, subject = champion.now(), champion.case.subject.column
        assigned = [beside.assigned(str(item[subject])) for item in items]
        made = await self._made(beside, items, assigned, made_at)
        await self._on_champion(lambda: champion.keep([each for each, _ in made]))
        self._shadow(beside, items, made_at)
        rows = zip(items, made, strict=True)
        answers = [champion.one(item, each) | {"slot": slot} for item, (each, slot) in rows]
        answered_with(answers, {slot for _, slot in made}, champion.identity.deployment)
        return champion.body(answers)

    async def _made(
        self, beside: Beside, items: Items, assigned: Sequence[Assigned], made_at: datetime
    ) -> list[tuple[Prediction, str]]:
        """Return each item's prediction and the slot that made it; nothing is written down.

        Raises:
            Unavailable: the champion cannot answer.
        """
        places: dict[str, list[int]] = {}
        for at, one in enumerate(assigned):
            places.setdefault(one.name, []).append(at)
        mine = places.pop(CHAMPION, []) + places.pop(FALLBACK, [])
        first = asyncio.ensure_future(self._by_champion(items, mine, assigned, made_at))
        tries = [self._try(beside, name, [items[at] for at in theirs], made_at) for name, theirs in places.items()]
        tried = dict(zip(places, await asyncio.gather(*tries), strict=True))
        found = await first
        left: list[int] = []
        for name, answers in tried.items():
            if isinstance(answers, HandrailError):
                left += places[name]
            else:
                found |= dict(zip(places[name], ((each, name) for each in answers), strict=True))
        found |= await self._by_champion(items, left, [Assigned(FALLBACK, None)] * len(items), made_at)
        # What the champion cannot answer either speaks against the request, and not against a challenger.
        for name, answers in tried.items():
            if isinstance(answers, Broken):
                self._broke(beside, name, answers)
        made = [found[at] for at in range(len(items))]
        if bool(mine) + len(places) == 1 and not left:
            return made
        # Each part of a divided request took the time of its own size: nothing to compare versions by.
        return [(replace(each, latency_ms=None), slot) for each, slot in made]

    async def _by_champion(
        self, items: Items, places: Sequence[int], assigned: Sequence[Assigned], made_at: datetime
    ) -> dict[int, tuple[Prediction, str]]:
        if not places:
            return {}
        some, whom = [items[at] for at in places], [assigned[at] for at in places]
        # A fallback is counted by itself: it is what the challengers cost.
        slot = FALLBACK if all(each.name == FALLBACK for each in whom) else CHAMPION
        with self._watch.slot(slot, self._champion.identity.deployment, len(some)):
            made = await self._on_champion(lambda: self._champion.predict(some, made_at, whom))
        return {at: (each, one.name) for at, each, one in zip(places, made, whom, strict=True)}

    async def _try(
        self, beside: Beside, name: str, items: Items, made_at: datetime
    ) -> list[Prediction] | HandrailError:
        """Return a challenger's predictions, or why there are none."""
        one = beside.split.challenger(name)
        lane = beside.lanes[name]
        try:
            assigned = [Assigned(name, one.share)] * len(items)
            patience_s = PATIENCE_S + AN_ITEM_S * len(items)
            with self._watch.slot(name, one.deployment, len(items)):
                return await lane.call(lambda: _predict(lane, items, made_at, assigned), patience_s)
        except Unavailable as err:
            _log.warning("The champion answers for %s: %s", name, err)
            return err
        except Broken as err:
            return err

    def _shadow(self, beside: Beside, items: Items, made_at: datetime) -> None:
        """Let those in shadow answer after the people have their answers."""
        subject = self._champion.case.subject.column
        wanted: dict[str, list[Mapping[str, Any]]] = {}
        for item in items:
            for each in beside.split.in_shadow(str(item[subject])):
                wanted.setdefault(each.name, []).append(item)
        for name, some in wanted.items():
            if beside.can(name):
                task = asyncio.create_task(self._answer_in_shadow(beside, beside.split.challenger(name), some, made_at))
                self._shadowing.add(task)
                task.add_done_callback(self._shadowing.discard)

    async def _answer_in_shadow(self, beside: Beside, one: Challenger, items: Items, made_at: datetime) -> None:
        lane = beside.lanes[one.name]
        assigned = [Assigned(one.name, None)] * len(items)
        try:
            patience_s = SHADOW_PATIENCE_S + AN_ITEM_S * len(items)
            with self._watch.slot(one.name, one.deployment, len(items)):
                made = await lane.call(lambda: _predict(lane, items, made_at, assigned, one.share), patience_s)
        except Unavailable as err:
            # The feature store, the spool, or too much at a time: nothing that speaks against the version.
            self._drop(one, len(items))
            _log.warning("%d predictions in shadow were not made: %s", len(items), err)
            return
        except Broken as err:
            self._broke(beside, one.name, err)
            return
        try:
            await self._on_champion(lambda: self._champion.keep(made))
        except HandrailError as err:
            self._drop(one, len(items))
            _log.warning("%d predictions in shadow were not kept: %s", len(items), err)

    def _drop(self, one: Challenger, items: int) -> None:
        self.not_shadowed += items
        self._watch.dropped(one.name, one.deployment, items)

    def _broke(self, beside: Beside, name: str, err: Broken) -> None:
        if name not in beside.broken:
            beside.broken.add(name)
            self._watch.challenger_ended(name)
            self._failed(beside.split.challenger(name), f"The challenger {name} failed: {err}.")


def _predict(
    lane: Lane, items: Items, made_at: datetime, assigned: Sequence[Assigned], sampled: float | None = None
) -> list[Prediction]:
    """Predict with a lane's version, on its thread. A score that is no number is no prediction, and raises."""
    assert lane.predictor is not None
    return lane.predictor.predict(items, made_at, assigned, sampled)
