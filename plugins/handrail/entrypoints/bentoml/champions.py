"""Follows the pointer of a slot in a serving process: loads what it names beside the champion, swaps, and goes back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from handrail.clock import system_time
from handrail.delivery import Move, Outcome, PermittedVersion, Swapper, Verified, code_digest
from handrail.entrypoints.bentoml.lanes import Lane, plain
from handrail.entrypoints.bentoml.looking import keep_looking
from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.entrypoints.bentoml.traffic import Traffic
from handrail.entrypoints.bentoml.trial import Champion
from handrail.errors import HandrailError, Refused, Unavailable
from handrail.scoring import Scorer

LOOK_EVERY_S = 0.5
LOADED_WITHIN_S, LOADED_AGAIN_S, REFUSED_AGAIN_S = 120.0, 5.0, 30.0
WATCHED_S = 600.0
"""So long after a swap the version before stays loaded, and answers what the new one cannot."""
MOST_WAITING = 1024
"""BentoML lets far fewer requests in at a time."""
Make = Callable[[str, str, Scorer], Predictor]
"""Makes what answers, of a deployment, the URI of its version and its loaded model, on the thread that will answer."""
Note = Callable[[str, Path, PermittedVersion], None]
"""Records that a deployment's bento in a folder was verified under a permit and is served; never fails."""
Lend = Callable[[], AbstractContextManager[Verified]]
OTHER_CODE = Unavailable(
    "Its code", "it differs from what runs here", "`python -m infra.servers.bento` starts the service anew; or do so."
)

_log = logging.getLogger("handrail.bentoml")


@dataclass(frozen=True, slots=True)
class Served:
    """A deployment (its URI) that answers, on its thread, since a moment."""

    deployment: str
    lane: Lane
    since: datetime

    @property
    def model_version(self) -> str:
        """The URI of the registered version."""
        return self.lane.loaded.identity.model_version


@dataclass(frozen=True, slots=True)
class Host:
    """What a serving process does for its champions: make and note them; `answers` gets who is champion from now on."""

    make: Make
    note: Note
    answers: Callable[[Served], None]


class Champions:
    """The champion of one serving process. Every other process of the service follows the same pointer."""

    def __init__(
        self,
        open_swapper: Callable[[], Swapper],
        host: Host,
        traffic: Traffic,
        code: str,
    ) -> None:
        """Follow a slot with the code of digest `code`; a version of other code is not loaded here."""
        self._open, self._host, self._code = open_swapper, host, code
        self._traffic = traffic
        self._swapper: Swapper | None = None
        self.serving: Served | None = None
        self._before: Served | None = None
        self._move: Move | None = None
        """What the pointer said when the champion came."""
        self._watched_until = 0.0
        self._loading: tuple[Move, asyncio.Task[None]] | None = None
        self._again_at: tuple[Move, float] | None = None
        self._refused: tuple[Move, str] | None = None
        self._taken_back: Move | None = None
        """Of the move in `_refused`: that it could not answer, which stays said until another one comes."""
        self._broken: dict[Move, tuple[str, str]] = {}
        """Moves to versions that could not answer: the deployment to go back to, and the sentence to record."""
        self._leaving: list[Lane] = []

    def status(self) -> dict[str, Any]:
        """Return who answers, who would where it cannot, and what is deployed and not served, with the reason."""
        now, before = self.serving, self._before
        refused = self._refused
        return {
            "deployment": now.deployment if now else None,
            "model_version": now.model_version if now else None,
            "since": now.since.isoformat() if now else None,
            "before": before.deployment if before else None,
            "not_served": {"deployment": refused[0].target, "reason": refused[1]} if refused else None,
        }

    def begin(self, served: Served) -> None:
        """Let the first one answer, which nothing was before in this process."""
        self._serve(served)
        self._traffic.champion = Champion(served.lane)

    async def follow(self) -> None:
        """Look again and again where the pointer leads; what cannot be read now is read at the next look."""
        await keep_looking(lambda: self.look(), LOOK_EVERY_S, "The champion stays as it is")

    async def look(self) -> None:
        """Report who failed, then bring this process to what the pointer names.

        Raises:
            HandrailError: it cannot be read or written now; who answers stays.
        """
        self._end_trial()
        if self._swapper is None:
            self._swapper = await asyncio.to_thread(self._open)
        for move, (back, sentence) in list(self._broken.items()):
            await self._report(self._swapper, move, back, sentence)
        moves = await asyncio.to_thread(self._swapper.moves)
        wanted = moves[-1] if moves else None
        if self._loading is not None and self._loading[0] != wanted:
            self._loading[1].cancel()
            self._loading = None
        if wanted is None or wanted.target is None or wanted in self._broken:
            return
        if self.serving is not None and wanted.target == self.serving.deployment:
            self._move = wanted
            self._refused = self._refused if self._taken_back is not None else None
        elif self._loading is None and self._is_due(wanted):
            task = asyncio.create_task(self._bring_in(self._swapper, wanted, wanted.target))
            self._loading = wanted, task

    def close(self) -> None:
        """Let every thread end."""
        if self._loading is not None:
            self._loading[1].cancel()
        now = self._traffic.champion
        for lane in (*self._leaving, *(now.lanes if now else ())):
            lane.close()

    def _is_due(self, move: Move) -> bool:
        return self._again_at is None or self._again_at[0] != move or time.monotonic() >= self._again_at[1]

    async def _bring_in(self, swapper: Swapper, move: Move, deployment: str) -> None:
        """Load a deployment and let it answer; one that may not be served is tried again when it may have changed."""
        lane = Lane(deployment, MOST_WAITING)
        try:
            built = await asyncio.to_thread(swapper.find, deployment)
            if await asyncio.to_thread(code_digest, built.folder) != self._code:
                raise OTHER_CODE
            note = partial(self._host.note, deployment, built.folder)
            load = partial(load_verified, partial(swapper.lend, built), deployment, self._host.make, note)
            await lane.load(load, LOADED_WITHIN_S)
        except (HandrailError, asyncio.CancelledError) as err:
            lane.close()
            if isinstance(err, asyncio.CancelledError):
                raise
            await self._refuse(swapper, move, err)
        else:
            await self._swap(swapper, move, Served(deployment, lane, system_time()))
        finally:
            if self._loading is not None and self._loading[0] == move:
                self._loading = None

    async def _swap(self, swapper: Swapper, move: Move, new: Served) -> None:
        """Let a loaded version answer from the next request on; the one before stays for those that it cannot."""
        instead = self.serving.deployment if self.serving else ""
        before, old = self.serving, self._traffic.champion
        if before is None or old is None or move.is_rollback:
            # What somebody went back from is no way out: it would bring back what was taken away.
            before, now = None, Champion(new.lane)
        else:
            may_answer = partial(_holds, swapper, before.deployment)
            now = Champion(new.lane, before.lane, may_answer, self._broke)
        self._serve(new)
        self._before, self._move = before, move
        self._refused = self._taken_back = None
        self._watched_until = time.monotonic() + WATCHED_S
        self._replace(now)
        _log.info("%s answers from now on, instead of %s.", new.deployment, instead or "nothing")
        await asyncio.to_thread(swapper.record, Outcome.SERVED, new.deployment, instead, "It was verified and answers.")

    def _serve(self, served: Served) -> None:
        self.serving = served
        self._host.answers(served)

    def _replace(self, now: Champion) -> None:
        old, self._traffic.champion = self._traffic.champion, now
        self._leaving += [lane for lane in (old.lanes if old else ()) if lane not in now.lanes]

    def _end_trial(self) -> None:
        """Let the version before go once the new one has shown that it can answer, and nobody waits for it any more."""
        now = self._traffic.champion
        if now is not None and now.on_trial and now.broken is None and time.monotonic() >= self._watched_until:
            self._before = None
            self._replace(Champion(now.lane))
        for lane in [each for each in self._leaving if not each.users]:
            self._leaving.remove(lane)
            lane.close()

    def _broke(self, now: Champion, sentence: str) -> None:
        """Go back to the version before, for every request from now on; the pointer follows at the next look."""
        broken, before = self.serving, self._before
        if now is not self._traffic.champion or broken is None or before is None:
            return
        said = plain(f"{broken.deployment} could not answer what {before.deployment} could: {sentence}")
        _log.error("Rolled back: %s", said)
        if self._move is not None:
            self._broken[self._move] = before.deployment, said
            self._refused, self._taken_back = (self._move, said), self._move
        self._serve(before)
        self._before = None
        self._replace(Champion(before.lane))

    async def _report(self, swapper: Swapper, move: Move, back: str, sentence: str) -> None:
        """Point the slot back for every process; what is not ours to say any more is forgotten."""
        try:
            await asyncio.to_thread(swapper.take_back, move, back, sentence)
        except Refused as err:
            _log.error("The pointer is not moved back: %s", err)
        if (await asyncio.to_thread(swapper.moves))[-1:] != [move]:
            self._broken.pop(move, None)

    async def _refuse(self, swapper: Swapper, move: Move, err: HandrailError) -> None:
        pause_s = LOADED_AGAIN_S if isinstance(err, Unavailable) else REFUSED_AGAIN_S
        self._again_at = move, time.monotonic() + pause_s
        answers = self.serving.deployment if self.serving else "nothing"
        sentence = plain(f"{move.target} is deployed and not served: {str(err).rstrip('.')}. {answers} answers.")
        if self._refused != (move, sentence):
            self._refused, self._taken_back = (move, sentence), None
            _log.error("%s", sentence)
            await asyncio.to_thread(
                swapper.record,
                Outcome.REFUSED,
                str(move.target),
                self.serving.deployment if self.serving else "",
                sentence,
            )


def load_verified(lend: Lend, deployment: str, make: Make, note: Callable[[PermittedVersion], None]) -> Predictor:
    """Load a version from a verified copy, and have it answer once, on the thread that will answer.

    `note` gets what its permit states.

    Raises:
        Refused: no permit covers exactly these bytes for this use.
        HandrailError: it cannot answer.
    """
    with lend() as verified:
        scorer = Scorer.load(verified.tree)
        permitted = verified.permitted
    predictor = make(deployment, permitted.version.uri, scorer)
    predictor.predict([predictor.case.example], predictor.now())
    note(permitted)
    return predictor


def _holds(swapper: Swapper, deployment: str) -> bool:
    """Say whether the permit of a version that is loaded still allows it to answer."""
    try:
        swapper.require_permit(deployment)
    except HandrailError as err:
        _log.error("%s may not answer instead: %s", deployment, err)
        return False
    return True
