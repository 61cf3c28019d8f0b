"""What a serving process says of itself: to Prometheus, to the record of health, and to its log of requests."""

from __future__ import annotations

import socket
import uuid
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

from handrail.clock import system_time
from handrail.delivery import CHAMPION, REQUESTS, Challenger, Fault, HealthRecords, fault_of
from handrail.entrypoints.bentoml.tally import Tally
from handrail.errors import Unavailable

if TYPE_CHECKING:
    from handrail.entrypoints.bentoml.metrics import Metrics, Serving

KEEP_FOR = timedelta(days=8)
FORGET_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Asked:
    """What becomes known of one request while it is answered; never what was sent."""

    prediction_ids: list[str] = field(default_factory=list)
    slots: set[str] = field(default_factory=set)
    deployment: str = ""
    caller: str = ""


ASKED: ContextVar[Asked | None] = ContextVar("handrail_asked", default=None)
"""The request that is being answered, for whoever answers it."""


class Watch:
    """Counts for one service. Nothing here can make a request fail: it counts, and others write that down later."""

    def __init__(self, pointer: str, clock: Callable[[], datetime] = system_time) -> None:
        """Watch the service behind a slot's pointer; without `export` only the record of health is kept."""
        process = f"{socket.gethostname()[:60]}-{uuid.uuid4().hex[:8]}"
        self._clock, self._tally = clock, Tally(pointer, process, clock)
        self._metrics: Metrics | None = None
        self._forgot: datetime | None = None
        self._is_ready: bool | None = None
        self._champion: set[Serving] = set()
        self._beside: set[Serving] = set()

    def export(self, metrics: Metrics) -> None:
        """Count for Prometheus too, from now on."""
        self._metrics = metrics
        if self._is_ready is not None:
            metrics.ready(self._is_ready)
        self._serve()

    def arrived(self) -> None:
        """Count a request that begins."""
        if self._metrics is not None:
            self._metrics.arrived()

    def ended(self, route: str, status: int, seconds: float, is_prediction: bool) -> None:
        """Count a request that ended; those for predictions make the service's load as a whole."""
        if self._metrics is not None:
            self._metrics.ended(route, status, seconds)
        if is_prediction:
            self._tally.ended(REQUESTS, "", seconds, 0, fault_of(status))

    def called(self, caller: str, status: int) -> None:
        """Count a request of a known caller, by one of few names."""
        if self._metrics is not None:
            self._metrics.called(caller, status)

    def slot(self, slot: str, deployment: str, items: int) -> Part:
        """Return a context that counts a slot's part of a request, by how the block ends."""
        return Part(self, slot, deployment, items)

    def part(self, slot: str, deployment: str, seconds: float, items: int, fault: Fault | None) -> None:
        """Count a slot's part of a request."""
        if self._metrics is not None:
            self._metrics.answered(slot, seconds, items, fault)
        self._tally.ended(slot, deployment, seconds, items, fault)

    def degraded(self, slot: str, deployment: str, items: int) -> None:
        """Count predictions that lacked features."""
        self._note(slot, deployment, items, 0)

    def dropped(self, slot: str, deployment: str, items: int) -> None:
        """Count predictions in shadow that were left out."""
        self._note(slot, deployment, 0, items)

    def challenger_ended(self, slot: str) -> None:
        """Count a challenger that this process took out of service."""
        if self._metrics is not None:
            self._metrics.challenger_ended(slot)

    def champion(self, deployment: str, model_version: str, permit: str) -> None:
        """Say what the champion is from now on."""
        self._champion = {(CHAMPION, deployment, model_version, permit)}
        self._serve()

    def beside(self, challengers: Iterable[Challenger]) -> None:
        """Say who answers beside the champion from now on."""
        self._beside = {(each.name, each.deployment, each.model_version, "") for each in challengers}
        self._serve()

    def ready(self, is_ready: bool) -> None:
        """Say whether this process serves a permitted model."""
        self._is_ready = is_ready
        if self._metrics is not None:
            self._metrics.ready(is_ready)

    def keep(self, records: HealthRecords) -> None:
        """Write down what was counted, and forget what is too old; what cannot be written waits.

        Raises:
            Unavailable: the store cannot be written now.
        """
        samples, now = self._tally.take(), self._clock()
        records.keep(samples)
        self._tally.kept(samples)
        if self._forgot is None or now - self._forgot > FORGET_EVERY:
            records.forget(now - KEEP_FOR)
            self._forgot = now

    def _serve(self) -> None:
        if self._metrics is not None:
            self._metrics.serves(self._champion | self._beside)

    def _note(self, slot: str, deployment: str, degraded: int, dropped: int) -> None:
        if self._metrics is not None:
            self._metrics.noted(slot, degraded, dropped)
        self._tally.noted(slot, deployment, degraded, dropped)


@dataclass(slots=True)
class Part:
    """A slot's part of a request while it is answered."""

    watch: Watch
    slot: str
    deployment: str
    items: int
    began: float = field(default_factory=perf_counter)

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: type[BaseException] | None, err: BaseException | None, _trace: object) -> None:
        """Count it."""
        seconds = perf_counter() - self.began
        fault = None if err is None else _fault_of(err)
        self.watch.part(self.slot, self.deployment, seconds, 0 if fault else self.items, fault)


def _fault_of(err: BaseException) -> Fault:
    # Whoever is cancelled took too long.
    if isinstance(err, TimeoutError | CancelledError) or isinstance(err.__cause__, TimeoutError):
        return Fault.SLOW
    return Fault.UNAVAILABLE if isinstance(err, Unavailable) else Fault.FAILED


def answered_with(answers: Iterable[Mapping[str, Any]], slots: Iterable[str], deployment: str) -> None:
    """Say of the request that is being answered which predictions it led to."""
    asked = ASKED.get()
    if asked is not None:
        asked.prediction_ids.extend(each["prediction_id"] for each in answers)
        asked.slots.update(slots)
        asked.deployment = deployment


UNWATCHED = Watch("deploy://local/unwatched")
"""Counts for nobody."""
