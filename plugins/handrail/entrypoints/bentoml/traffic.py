"""Who answers a request where a champion has challengers: each item goes to whom its subject was assigned."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from handrail.delivery import CHAMPION, FALLBACK, Assigned, Challenger, Split
from handrail.entrypoints.bentoml.lanes import Broken, Lane
from handrail.entrypoints.bentoml.predictor import Items, Predictor
from handrail.entrypoints.bentoml.trial import Champion
from handrail.entrypoints.bentoml.watch import UNWATCHED, Watch, answered_with
from handrail.errors import HandrailError, Unavailable
from handrail.feedback import Prediction

CHALLENGER_PATIENCE_S, AN_ITEM_S = 1.0, 0.002
"""So long a served challenger may take for a batch, and more for each item; then the champion answers instead."""
SHADOW_PATIENCE_S = 5.0

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
        self, champion: Champion | None, failed: Callable[[Challenger, str], None], watch: Watch = UNWATCHED
    ) -> None:
        """Let the champion alone answer; `failed` gets a challenger that could not, and the reason."""
        self.champion = champion
        """Who is champion for the requests that begin now; those that began keep theirs."""
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
        now, beside = self._now(), self._beside
        champion = now.lane.loaded
        with now.held():
            if beside is None and not now.on_trial:
                with self._watch.slot(CHAMPION, champion.identity.deployment, len(items)):
                    found: dict[str, Any] = await now.lane.run(partial(champion.answer, items))
                lacking = [each for each in found["predictions"] if "degraded" in each]
                self._count_degraded([(CHAMPION, champion.identity.deployment)] * len(lacking))
                answered_with(found["predictions"], (CHAMPION,), champion.identity.deployment)
                return found
            made_at = champion.now()
            if beside is None:
                with self._watch.slot(CHAMPION, now.answering.loaded.identity.deployment, len(items)):
                    who, predictions = await now.ask(partial(_predict, items, made_at, ()), len(items))
                made = [(each, "") for each in predictions]
            else:
                who, made = await self._made(now, beside, items, made_at)
            await now.keep(champion.keep, [each for each, _ in made])
            if beside is not None:
                self._shadow(now, beside, items, made_at)
        self._count_degraded((slot or CHAMPION, each.deployment) for each, slot in made if each.degraded)
        rows = zip(items, made, strict=True)
        answers = [who.one(item, each) | ({"slot": slot} if slot else {}) for item, (each, slot) in rows]
        answered_with(answers, {slot or CHAMPION for _, slot in made}, who.identity.deployment)
        return who.body(answers)

    async def _made(
        self, now: Champion, beside: Beside, items: Items, made_at: datetime
    ) -> tuple[Predictor, list[tuple[Prediction, str]]]:
        """Return the champion, and each item's prediction with the slot that made it; nothing is written down.

        Raises:
            Unavailable: the champion cannot answer.
        """
        subject = now.lane.loaded.case.subject.column
        assigned = [beside.assigned(str(item[subject])) for item in items]
        places = _places(assigned)
        mine = places.pop(CHAMPION, []) + places.pop(FALLBACK, [])
        first = asyncio.ensure_future(self._by_champion(now, items, mine, assigned, made_at))
        tries = [self._try(beside, name, [items[at] for at in theirs], made_at) for name, theirs in places.items()]
        tried = dict(zip(places, await asyncio.gather(*tries), strict=True))
        who, found = await first
        for name, answers in tried.items():
            if not isinstance(answers, HandrailError):
                found |= dict(zip(places[name], ((each, name) for each in answers), strict=True))
        left = [at for name, answers in tried.items() if isinstance(answers, HandrailError) for at in places[name]]
        for at in left:
            assigned[at] = Assigned(FALLBACK, None)
        last, more = await self._by_champion(now, items, left, assigned, made_at)
        if left and last is not who:
            # The champion was swapped back meanwhile: one answer names one champion.
            last, more = await self._by_champion(now, items, mine + left, assigned, made_at)
        who, found = (last if left else who), found | more
        # What the champion cannot answer either speaks against the request, and not against a challenger.
        for name, answers in tried.items():
            if isinstance(answers, Broken):
                self._broke(beside, name, answers)
        made = [found[at] for at in range(len(items))]
        if bool(mine) + len(places) > 1 or left:
            # Each part of a divided request took the time of its own size: nothing to compare versions by.
            made = [(replace(each, latency_ms=None), slot) for each, slot in made]
        return who, made

    async def _by_champion(
        self, now: Champion, items: Items, places: Sequence[int], assigned: Sequence[Assigned], made_at: datetime
    ) -> tuple[Predictor, dict[int, tuple[Prediction, str]]]:
        """Return the champion, and its prediction with its slot for each of some places."""
        if not places:
            return now.answering.loaded, {}
        some, whom = [items[at] for at in places], [assigned[at] for at in places]
        # A fallback is counted by itself: it is what the challengers cost.
        slot = FALLBACK if all(each.name == FALLBACK for each in whom) else CHAMPION
        with self._watch.slot(slot, now.answering.loaded.identity.deployment, len(some)):
            who, made = await now.ask(partial(_predict, some, made_at, whom), len(some))
        return who, {at: (each, one.name) for at, each, one in zip(places, made, whom, strict=True)}

    async def _try(
        self, beside: Beside, name: str, items: Items, made_at: datetime
    ) -> list[Prediction] | HandrailError:
        """Return a challenger's predictions, or why there are none."""
        one = beside.split.challenger(name)
        lane = beside.lanes[name]
        try:
            assigned = [Assigned(name, one.share)] * len(items)
            patience_s = CHALLENGER_PATIENCE_S + AN_ITEM_S * len(items)
            with self._watch.slot(name, one.deployment, len(items)):
                return await lane.call(partial(_by_lane, lane, items, made_at, assigned), patience_s)
        except Unavailable as err:
            _log.warning("The champion answers for %s: %s", name, err)
            return err
        except Broken as err:
            return err

    def _shadow(self, now: Champion, beside: Beside, items: Items, made_at: datetime) -> None:
        """Let those in shadow answer after the people have their answers."""
        subject = now.lane.loaded.case.subject.column
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
                made = await lane.call(partial(_by_lane, lane, items, made_at, assigned, one.share), patience_s)
        except Unavailable as err:
            # The feature store, the spool, or too much at a time: nothing that speaks against the version.
            self._drop(one, len(items))
            _log.warning("%d predictions in shadow were not made: %s", len(items), err)
            return
        except Broken as err:
            self._broke(beside, one.name, err)
            return
        try:
            now = self._now()
            with now.held():
                await now.keep(now.lane.loaded.keep, made)
        except HandrailError as err:
            self._drop(one, len(items))
            _log.warning("%d predictions in shadow were not kept: %s", len(items), err)

    def _count_degraded(self, lacking: Iterable[tuple[str, str]]) -> None:
        """Count predictions that lacked features, each given by its slot and deployment."""
        for (slot, deployment), count in Counter(lacking).items():
            self._watch.degraded(slot, deployment, count)

    def _drop(self, one: Challenger, items: int) -> None:
        self.not_shadowed += items
        self._watch.dropped(one.name, one.deployment, items)

    def _now(self) -> Champion:
        if self.champion is None:
            raise RuntimeError("The guard lets no request through before a model is loaded.")
        return self.champion

    def _broke(self, beside: Beside, name: str, err: Broken) -> None:
        if name not in beside.broken:
            beside.broken.add(name)
            self._watch.challenger_ended(name)
            self._failed(beside.split.challenger(name), f"The challenger {name} failed: {err}.")


def _places(assigned: Sequence[Assigned]) -> dict[str, list[int]]:
    """Return at which places of a request each one is to answer."""
    places: dict[str, list[int]] = {}
    for at, one in enumerate(assigned):
        places.setdefault(one.name, []).append(at)
    return places


def _predict(items: Items, made_at: datetime, assigned: Sequence[Assigned], one: Predictor) -> list[Prediction]:
    """Predict with one version, on its thread. A score that is no number is no prediction, and raises."""
    return one.predict(items, made_at, assigned)


def _by_lane(
    lane: Lane, items: Items, made_at: datetime, assigned: Sequence[Assigned], sampled: float | None = None
) -> list[Prediction]:
    return lane.loaded.predict(items, made_at, assigned, sampled)
