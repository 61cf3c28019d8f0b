"""One training at a time, once a trigger, within limits: recorded in the store, so across processes and machines.

Who trains holds a lease and renews it; a process that is killed renews nothing and loses it after `LEASE_S` seconds.
Another run of the same trigger then takes the turn up.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from handrail.clock import Clock
from handrail.delivery.domain.turns import Lease, Turn, TurnChange, TurnLimits, held_back
from handrail.delivery.turn_ports import TurnBook
from handrail.errors import HandrailError, Refused

LEASE_S = 90.0
"""Seconds until a holder that gives no sign of life loses its turn; it gives one each third of that."""
WHAT = "Training a challenger"


class Turns:
    """Hands out turns to train a challenger."""

    def __init__(self, book: TurnBook, limits: TurnLimits, clock: Clock, lease_s: float = LEASE_S) -> None:
        """Keep turns in a book; `clock` is event time, by which cool-down and budget are counted."""
        self._book, self._limits, self._clock, self._lease_s = book, limits, clock, lease_s

    def known(self) -> Sequence[Turn]:
        """Return every turn, the latest first."""
        return self._book.turns()

    def left_behind(self) -> list[Turn]:
        """Return the automatic turns that nobody works at, did not end, and may be tried again."""
        found: list[Turn] = []

        def look(turns: Sequence[Turn], lease: Lease | None) -> None:
            if lease is None or not lease.live:
                found.extend(each for each in turns if each.outcome is None and each.automatic)

        self._book.change(look)
        return [each for each in found if each.attempts < self._limits.attempts]

    def hold(self, trigger: str, asked: Mapping[str, Any] | None = None, *, automatic: bool) -> HeldTurn:
        """Return the turn of a trigger, to be held for the length of a block.

        Args:
            trigger: what asks, such as `finding/drift/2013-09/sha256:...`; the same text is the same trigger.
            asked: the parameters with which an attempt that was killed is made again, JSON values.
            automatic: whether no person asked. Only then do cool-down and budget hold it back.

        Raises:
            Refused: as the block is entered: somebody else trains now, or a limit holds the trigger back; it says
                which, and when next.
        """
        turn = Turn(trigger, automatic, json.dumps(dict(asked or {})), self._clock(), 0)
        return HeldTurn(self._book, self._limits, self._clock, self._lease_s, turn)


class HeldTurn:
    """A turn to train, held for the length of a block; the lease is renewed meanwhile.

    An exception that leaves the block is kept as the problem of this attempt. `earlier` is what the trigger ended with
    before, and then nothing may be trained.
    """

    earlier: dict[str, Any] | None = None

    def __init__(self, book: TurnBook, limits: TurnLimits, clock: Clock, lease_s: float, turn: Turn) -> None:
        """Prepare to hold `turn`; nothing is taken yet."""
        self._book, self._limits, self._clock, self._lease_s, self._turn = book, limits, clock, lease_s, turn
        self._holder = secrets.token_hex(8)
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._give_signs, name="turn-to-train", daemon=True)
        self._outcome: dict[str, Any] | None = None
        self._withdrawn = False

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Keep how the turn ended; it is written when the block is left."""
        self._outcome = dict(outcome)

    def withdraw(self) -> None:
        """Say that nothing was trained, and that this attempt counts for nothing."""
        self._withdrawn = True

    def require(self) -> None:
        """Check that the turn is still ours, before what others would see is done.

        Raises:
            Refused: it was lost, because this process gave no sign of life for too long.
        """
        if not self._book.renew(self._holder, self._lease_s):
            raise Refused(
                WHAT,
                (
                    f"The turn of {self._turn.trigger} was lost: this process gave no sign of life for too long.",
                    "Another run takes it up; this one asks for nothing.",
                ),
            )

    def __enter__(self) -> Self:
        """Take the turn, unless the trigger ended before."""
        self._book.change(self._take)
        if self.earlier is None:
            self._beat.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, _: TracebackType | None) -> None:
        """Write how it ended and give the lease back; what was lost meanwhile is left to who took it up."""
        if self.earlier is not None:
            return
        self._stop.set()
        self._beat.join()
        problem = None if self._outcome is not None else "It ended without an outcome."
        if err is not None:
            problem = str(err) if isinstance(err, HandrailError) else f"{type(err).__name__}: {err}"
        self._book.change(lambda turns, lease: self._end(turns, lease, problem))

    def _take(self, turns: Sequence[Turn], lease: Lease | None) -> TurnChange | None:
        turn = self._turn
        known = next((each for each in turns if each.trigger == turn.trigger), None)
        if known is not None and known.outcome is not None:
            self.earlier = json.loads(known.outcome)
            return None
        if lease is not None and lease.live:
            raise Refused(WHAT, (_occupied(lease),))
        if turn.automatic and (reason := held_back(turn.trigger, turn.began_at, turns, self._limits)):
            raise Refused(WHAT, (reason,))
        begun, attempts = (known.began_at, known.attempts) if known else (turn.began_at, 0)
        place = f"{socket.gethostname()}, process {os.getpid()}"
        taken = replace(turn, began_at=begun, attempts=attempts + 1)
        return TurnChange(put=taken, take=Lease(self._holder, place, turn.trigger, self._lease_s))

    def _end(self, turns: Sequence[Turn], lease: Lease | None, problem: str | None) -> TurnChange | None:
        if lease is None or lease.holder != self._holder:
            return None
        known = next(each for each in turns if each.trigger == self._turn.trigger)
        if problem is None:
            outcome = json.dumps(self._outcome, default=str)
            return TurnChange(put=replace(known, ended_at=self._clock(), outcome=outcome, problem=None), freed=True)
        if not self._withdrawn:
            return TurnChange(put=replace(known, problem=problem), freed=True)
        if known.attempts == 1:
            return TurnChange(forget=known.trigger, freed=True)
        return TurnChange(put=replace(known, attempts=known.attempts - 1), freed=True)

    def _give_signs(self) -> None:
        while not self._stop.wait(self._lease_s / 3):
            try:
                if not self._book.renew(self._holder, self._lease_s):
                    return
            except HandrailError as err:
                # A store that is away for a moment: the next one tries again, and the lease says whether it was late.
                logging.getLogger(__name__).warning("The lease on training was not renewed. %s", err)


def _occupied(lease: Lease) -> str:
    return (
        f"{lease.trigger} is being trained ({lease.place}). Its turn is free when it ends, or "
        f"{max(lease.left_s, 0):.0f} s after its last sign of life if it was killed."
    )
