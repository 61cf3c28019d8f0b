"""Who is champion: one version, and for a while after a swap also the one before it, which answers where it cannot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from handrail.entrypoints.bentoml.lanes import Broken, Call, Lane
from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.feedback import Prediction

TRIAL_PATIENCE_S, AN_ITEM_S = 2.0, 0.002
"""So long a version on trial may take for a batch, and more for each item; then the one before it answers instead."""
T = TypeVar("T")

_log = logging.getLogger("handrail.bentoml")


def _always() -> bool:
    return True


def _nobody(_champion: Champion, _sentence: str) -> None:
    """Nobody wants to know."""


@dataclass(slots=True, eq=False)
class Champion:
    """The champion of the requests that begin now. It is on trial while the one before it is still here.

    `may_answer` says whether the permit of the one before holds still, and is asked on another thread; `on_broken` gets
    this and a sentence, once, where the champion could not answer what the one before could.
    """

    lane: Lane
    before: Lane | None = None
    may_answer: Callable[[], bool] = _always
    on_broken: Callable[[Champion, str], None] = _nobody
    broken: Broken | None = field(default=None, init=False)

    @property
    def on_trial(self) -> bool:
        """Whether there is one before it that answers where the champion cannot."""
        return self.before is not None

    @property
    def answering(self) -> Lane:
        """Who answers from now on."""
        return self.before if self.broken is not None and self.before is not None else self.lane

    @property
    def lanes(self) -> list[Lane]:
        """Those that requests may ask."""
        return [self.lane] if self.before is None else [self.lane, self.before]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep both from being ended while a request is answered."""
        for lane in self.lanes:
            lane.users += 1
        try:
            yield
        finally:
            for lane in self.lanes:
                lane.users -= 1

    async def ask(self, work: Callable[[Predictor], T], items: int) -> tuple[Predictor, T]:
        """Do some work about so many items with the champion, or with the one before if it cannot; say with which.

        Raises:
            Exception: what the champion raised outside of a trial; in one, what the one before raised too.
        """
        lane = self.answering
        if self.before is None or self.broken is not None:
            return lane.loaded, await lane.run(partial(work, lane.loaded))
        patience_s = TRIAL_PATIENCE_S + AN_ITEM_S * items
        try:
            call = await lane.begin(partial(work, lane.loaded))
            if (await asyncio.wait({call.done}, timeout=patience_s))[0]:
                return lane.loaded, call.done.result()
        except Broken as err:
            return await self._ask_before(self.before, work, err)
        return await self._ask_before(self.before, work, Broken(f"it did not answer within {patience_s:.3g} s"), call)

    async def keep(self, keep: Callable[[Sequence[Prediction]], None], predictions: Sequence[Prediction]) -> None:
        """Write predictions down on the thread of who is known to work."""
        await (self.before or self.lane).run(partial(keep, predictions))

    async def _ask_before(
        self, before: Lane, work: Callable[[Predictor], T], why: Broken, call: Call | None = None
    ) -> tuple[Predictor, T]:
        if self.broken is None and not await asyncio.to_thread(self.may_answer):
            raise why
        # What it cannot answer either speaks against the request, and not against the champion.
        found = await before.run(partial(work, before.loaded))
        if call is not None and call.done.done() and not call.done.cancelled() and call.done.exception() is None:
            _log.warning("The version %s is slow: %s, and then it did.", self.lane.name, why)
        elif self.broken is None:
            self.broken = why
            self.lane.give_up(str(why))
            if call is not None:
                call.done.cancel()
            self.on_broken(self, f"{why}.")
        return before.loaded, found
