"""Prometheus metrics of a serving process, by slot and by caller. No label has a value that a caller chose.

BentoML collects them over its processes. Import this in a worker only: prometheus_client looks once, when it is
imported, for the folder that they share.
"""

from __future__ import annotations

from typing import Any

from handrail.delivery import BOUNDS_S, Fault
from handrail.entrypoints.bentoml.siblings import READY, gauges, is_alive, pid_of
from handrail.tools import require

require("prometheus_client", "bentoml")
from prometheus_client import Counter, Gauge, Histogram  # noqa: E402
from prometheus_client.multiprocess import mark_process_dead  # noqa: E402

PREFIX = "handrail_serving"
MOST_CALLERS = 200
Serving = tuple[str, str, str, str]
"""A slot with its deployment, model version and permit; the permit of a challenger is in its own record."""


class Metrics:
    """The metrics of one process; every child is looked up once."""

    def __init__(self) -> None:
        """Make the metrics, and remove the gauges of processes that were killed."""
        _forget_dead()
        seconds, buckets = {"unit": "seconds"}, {"buckets": BOUNDS_S}
        self._requests = _counter("requests", "HTTP requests that ended.", "route", "code")
        self._callers = _counter("caller_requests", "HTTP requests of known callers that ended.", "caller", "code")
        self._names: set[str] = set()
        about = "Time from a request's first byte to its answer's last."
        self._request_seconds = Histogram(f"{PREFIX}_request", about, ["route"], **seconds, **buckets)  # type: ignore[arg-type]
        self._answers = _counter("answers", "Requests, or parts of them, by the slot that answered.", "slot", "outcome")
        self._predictions = _counter("predictions", "Predictions that were given.", "slot")
        about = "Time that a slot took for its part of a request, waiting included."
        self._slot_seconds = Histogram(f"{PREFIX}_slot", about, ["slot"], **seconds, **buckets)  # type: ignore[arg-type]
        self._degraded = _counter("degraded_answers", "Predictions that lacked features.", "slot")
        self._dropped = _counter("shadow_dropped", "Predictions in shadow that were not made.", "slot")
        self._ended = _counter("challengers_ended", "Challengers that this process took out of service.", "slot")
        self._in_progress = _gauge("in_progress", "Requests that are being answered.", "livesum")
        self._ready: Gauge | None = None
        """Made when it is known: a process that is still loading says nothing."""
        about = "1 for what a slot of this process answers with, under its permit."
        self._info = _gauge("deployment_info", about, "livemax", "slot", "deployment", "model_version", "permit")
        self._serving: set[Serving] = set()
        self._children: dict[tuple[str, ...], object] = {}

    def arrived(self) -> None:
        """Count a request that begins."""
        self._in_progress.inc()

    def ended(self, route: str, status: int, seconds: float) -> None:
        """Count a request that ended."""
        self._in_progress.dec()
        self._child(self._requests, route, str(status)).inc()
        self._child(self._request_seconds, route).observe(seconds)

    def called(self, caller: str, status: int) -> None:
        """Count a request of a known caller; of more than `MOST_CALLERS` the others are one."""
        if caller not in self._names:
            if len(self._names) >= MOST_CALLERS:
                caller = "other"
            self._names.add(caller)
        self._child(self._callers, caller, str(status)).inc()

    def answered(self, slot: str, seconds: float, items: int, fault: Fault | None) -> None:
        """Count a slot's part of a request."""
        self._child(self._answers, slot, str(fault or "ok")).inc()
        self._child(self._slot_seconds, slot).observe(seconds)
        if items:
            self._child(self._predictions, slot).inc(items)

    def noted(self, slot: str, degraded: int, dropped: int) -> None:
        """Count answers that lacked features, or predictions in shadow that were left out."""
        if degraded:
            self._child(self._degraded, slot).inc(degraded)
        if dropped:
            self._child(self._dropped, slot).inc(dropped)

    def challenger_ended(self, slot: str) -> None:
        """Count a challenger that this process took out of service."""
        self._child(self._ended, slot).inc()

    def ready(self, is_ready: bool) -> None:
        """Say whether this process serves a permitted model."""
        if self._ready is None:
            about = "1 if every process that takes requests serves a permitted model, else 0."
            self._ready = _gauge(READY.removeprefix(f"{PREFIX}_"), about, "livemin")
        self._ready.set(float(is_ready))

    def serves(self, serving: set[Serving]) -> None:
        """Say which slots answer with what from now on."""
        for gone in self._serving - serving:
            self._info.labels(*gone).set(0)
        for each in serving - self._serving:
            self._info.labels(*each).set(1)
        self._serving = serving

    def _child(self, metric: Counter | Histogram, *labels: str) -> Any:
        key = (metric._name, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


def _counter(name: str, about: str, *labels: str) -> Counter:
    return Counter(f"{PREFIX}_{name}", about, labels)


def _gauge(name: str, about: str, mode: str, *labels: str) -> Gauge:
    return Gauge(f"{PREFIX}_{name}", about, labels, multiprocess_mode=mode)  # type: ignore[arg-type]


def _forget_dead() -> None:
    """Remove the live gauges of processes that were killed: nobody else does, and they would count forever."""
    for file in gauges("live*"):
        pid = pid_of(file)
        if not is_alive(pid):
            mark_process_dead(pid, str(file.parent))  # type: ignore[no-untyped-call]
