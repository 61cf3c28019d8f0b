"""Follows the split of a slot in a serving process: loads challengers, and reports those that cannot answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from handrail.delivery import Challenger, Change, End, Splitter
from handrail.entrypoints.bentoml.lanes import Lane, plain
from handrail.entrypoints.bentoml.looking import keep_looking
from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.entrypoints.bentoml.traffic import Beside
from handrail.errors import Conflict, HandrailError, Unavailable, UnknownReference
from handrail.scoring import Scorer

LOOK_EVERY_S = 0.5
LOADED_WITHIN_S, LOADED_AGAIN_S = 120.0, 5.0
LONGEST_SENTENCE = 400
Make = Callable[[Challenger, Scorer], Predictor]
"""Makes what answers for a challenger with its loaded model, on the thread that will answer."""
Open = Callable[[], Splitter]

_log = logging.getLogger("handrail.bentoml")


class Challengers:
    """The challengers of one serving process, each loaded once on a thread of its own."""

    def __init__(self, open_splits: Open, make: Make, use: Callable[[Beside | None], None]) -> None:
        """Follow the splits of a slot; `use` gets who answers beside the champion from now on."""
        self._open, self._make, self._use = open_splits, make, use
        self._splitter: Splitter | None = None
        self._change: Change | None = None
        self._lanes: dict[Challenger, Lane] = {}
        self._loading: dict[Challenger, asyncio.Task[None]] = {}
        self._again_at: dict[Challenger, float] = {}
        self._broken: dict[Challenger, str] = {}
        """Those that failed and are in the split still, with the sentence that is to be reported."""

    def failed(self, challenger: Challenger, sentence: str) -> None:
        """Note that a challenger could not answer; the next look reports it and takes it out of the split."""
        said = plain(sentence)
        _log.error("%s", said)
        self._broken[_identity(challenger)] = said
        self._arrange()

    async def follow(self) -> None:
        """Look again and again for a change of the split; what cannot be read now is read at the next look."""
        await keep_looking(lambda: self.look(), LOOK_EVERY_S, "Who answers beside the champion stays as it is")

    async def look(self) -> None:
        """Bring this process to the last change of the split, then report who failed.

        Raises:
            HandrailError: it cannot be read or written now; what answers stays.
        """
        if self._splitter is None:
            self._splitter = await asyncio.to_thread(self._open)
        change = await asyncio.to_thread(self._splitter.current)
        if change is not None and (self._change is None or change.number != self._change.number):
            self._change = change
            self._arrange()
        for identity in self._wanted():
            if self._is_due(identity):
                self._loading[identity] = asyncio.create_task(self._bring_in(identity))
        for identity, sentence in list(self._broken.items()):
            await asyncio.to_thread(self._report, self._splitter, identity, sentence)

    def close(self) -> None:
        """Let every thread end."""
        self._use(None)
        for task in self._loading.values():
            task.cancel()
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()

    def _wanted(self) -> dict[Challenger, Challenger]:
        """Return who is in the split now, by what they are whatever their share."""
        return {_identity(each): each for each in self._change.split.challengers} if self._change else {}

    def _is_due(self, identity: Challenger) -> bool:
        """Say whether a challenger is to be loaded now."""
        if identity in self._lanes or identity in self._loading or identity in self._broken:
            return False
        return time.monotonic() >= self._again_at.get(identity, 0.0)

    def _arrange(self) -> None:
        """Let those answer that are in the split, loaded and did not fail; only then are the others' threads ended."""
        wanted = self._wanted()
        able = {each.name: self._lanes[one] for one, each in wanted.items() if one in self._lanes}
        broken = {each.name for one, each in wanted.items() if one in self._broken}
        self._use(Beside(self._change.split, able, broken) if self._change and wanted else None)
        for identity in [each for each in self._lanes if each not in wanted]:
            self._lanes.pop(identity).close()
        self._broken = {one: sentence for one, sentence in self._broken.items() if one in wanted}
        self._again_at = {one: at for one, at in self._again_at.items() if one in wanted}

    async def _bring_in(self, identity: Challenger) -> None:
        """Load a challenger, and let it answer if it is in the split still; what was away is tried again."""
        lane = Lane(identity.name)
        try:
            await lane.load(partial(self._load, identity), LOADED_WITHIN_S)
            self._lanes[identity] = lane
        except Unavailable as err:
            lane.close()
            self._again_at[identity] = time.monotonic() + LOADED_AGAIN_S
            _log.warning("The challenger %s is loaded later: %s", identity.name, err)
        except HandrailError as err:
            lane.close()
            self.failed(identity, f"The challenger {identity.name} cannot be served: {err}")
        except asyncio.CancelledError:
            lane.close()
            raise
        finally:
            self._loading.pop(identity, None)
        self._arrange()

    def _load(self, challenger: Challenger) -> Predictor:
        assert self._splitter is not None
        with self._splitter.lend(challenger) as verified:
            scorer = Scorer.load(verified.tree)
        return self._make(challenger, scorer)

    def _report(self, splitter: Splitter, identity: Challenger, sentence: str) -> None:
        """Take a challenger that failed out of the split, for every process; another one may have done it before."""
        change = splitter.current()
        mine = [each for each in change.split.challengers if _identity(each) == identity] if change else []
        if not mine:
            return
        try:
            splitter.end(identity.name, End.ERRORED, "the service", sentence[:LONGEST_SENTENCE])
        except (Conflict, UnknownReference) as err:
            # Somebody changed the split at this moment: the next look reports it if it still stands.
            _log.info("%s", err)


def _identity(challenger: Challenger) -> Challenger:
    """Return what a challenger is whatever its share: with another one it is not loaded again."""
    return replace(challenger, share=1.0, from_above=False)
