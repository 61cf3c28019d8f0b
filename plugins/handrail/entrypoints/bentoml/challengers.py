"""Follows the split of a slot in a serving process: loads challengers, and reports those that cannot answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from handrail.delivery import Challenger, Change, End, Splitter
from handrail.entrypoints.bentoml.lanes import Lane
from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.entrypoints.bentoml.traffic import Beside
from handrail.errors import Conflict, HandrailError, UnknownReference
from handrail.feedback import Prediction
from handrail.scoring import Scorer

LOOK_EVERY_S = 0.5
LOADED_WITHIN_S = 120.0
LONGEST_SENTENCE = 400
Make = Callable[[Challenger, Scorer], Predictor]
"""Makes what answers for a challenger with its loaded model, on the thread that will answer."""
Keep = Callable[[Sequence[Prediction]], None]

_log = logging.getLogger("handrail.bentoml")


class Challengers:
    """The challengers of one serving process, each loaded once on a thread of its own."""

    def __init__(self, splitter: Splitter, make: Make, use: Callable[[Beside | None], None]) -> None:
        """Follow the splits of a slot; `use` gets who answers beside the champion from now on."""
        self._splitter, self._make, self._use = splitter, make, use
        self._number = 0
        self._lanes: dict[Challenger, Lane] = {}
        self._failures: dict[str, str] = {}

    def failed(self, name: str, sentence: str) -> None:
        """Note that a challenger could not answer; the next look reports it and takes it out of the split."""
        _log.error("%s", sentence)
        self._failures[name] = sentence

    async def follow(self) -> None:
        """Look again and again for a change of the split; what cannot be read now is read at the next look."""
        while True:
            try:
                await self.look()
            except HandrailError as err:
                _log.warning("Who answers beside the champion stays as it is: %s", err)
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Report failures, and bring this process to the last change of the split.

        Raises:
            HandrailError: it cannot be read or written now; what answers stays.
        """
        for name, sentence in list(self._failures.items()):
            await asyncio.to_thread(self._report, name, sentence)
            del self._failures[name]
        change = await asyncio.to_thread(self._splitter.current)
        if change is not None and change.number != self._number:
            await self._bring_in(change)
            self._number = change.number

    def close(self) -> None:
        """Let every thread end."""
        self._use(None)
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()

    async def _bring_in(self, change: Change) -> None:
        wanted = {_identity(each): each for each in change.split.challengers}
        for identity in [each for each in self._lanes if each not in wanted]:
            self._lanes.pop(identity).close()
        for identity, each in wanted.items():
            if identity not in self._lanes and (lane := await self._loaded(each)):
                self._lanes[identity] = lane
        lanes = {each.name: self._lanes[identity] for identity, each in wanted.items() if identity in self._lanes}
        self._use(Beside(change.split, lanes) if wanted else None)

    async def _loaded(self, challenger: Challenger) -> Lane | None:
        """Return the lane of a challenger that was loaded; None if it may not or cannot be."""
        lane = Lane(challenger.name)
        try:
            await lane.load(partial(self._load, challenger), LOADED_WITHIN_S)
        except HandrailError as err:
            lane.close()
            self.failed(challenger.name, f"The challenger {challenger.name} cannot be served: {err}")
            return None
        return lane

    def _load(self, challenger: Challenger) -> Predictor:
        with self._splitter.lend(challenger) as verified:
            scorer = Scorer.load(verified.tree)
        return self._make(challenger, scorer)

    def _report(self, name: str, sentence: str) -> None:
        """Take a challenger that failed out of the split, for every process; another one may have done it before."""
        try:
            self._splitter.end(name, End.ERRORED, "the service", sentence[:LONGEST_SENTENCE])
        except (Conflict, UnknownReference) as err:
            _log.info("%s", err)


def _identity(challenger: Challenger) -> Challenger:
    """Return what a challenger is whatever its share: with another one it is not loaded again."""
    return replace(challenger, share=1.0, from_above=False)
