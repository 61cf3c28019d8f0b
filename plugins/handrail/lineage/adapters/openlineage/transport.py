"""Sends events over any transport of the OpenLineage client: file, http, kafka, console and what others register.

Those transports are made to be tried once: some send in the background, and log what failed instead of raising.
Here an event counts as sent when its transport, and each in it, is done with it, and counted and logged no failure.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from handrail.errors import HandrailError, Misconfigured, MissingTool, Refused, Unavailable
from handrail.lineage.adapters.openlineage.httpx_transport import MAX_SHOWN, REFUSALS
from handrail.lineage.domain.outbox import QueuedEvent
from handrail.lineage.ports import Transport

TIMEOUT_S = 60
LOGGER = "openlineage.client.transport"
SEVERAL = f"{LOGGER}.composite"
FILE = "lineage.yaml"


@contextmanager
def _translated(translate: Callable[[Exception], HandrailError]) -> Iterator[None]:
    try:
        yield
    except Exception as err:  # noqa: BLE001 - a transport may be anybody's, and raises what it likes
        raise translate(err) from None


class OpenLineageTransport(Transport):
    """One transport of the OpenLineage client."""

    def __init__(self, sink: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Build the transport of a sink; `secrets` are the values never to be shown, with the variables they come from.

        Raises:
            MissingTool: the OpenLineage client is not installed.
            Misconfigured: it cannot build that transport.
        """
        try:
            from openlineage.client.transport import get_default_factory

            from handrail.lineage.adapters.openlineage.client import to_event
        except ImportError as err:
            raise MissingTool("openlineage", "openlineage") from err
        self._to_event = to_event
        self._sink = sink
        self._secrets = secrets
        self._kind = settings["type"]
        self._file = _local_file(settings)
        if settings["type"] == "console":
            _show_console()
        with _translated(self._unusable):
            self._transport = get_default_factory().create(dict(settings))

    def send(self, event: QueuedEvent) -> None:
        """Send an event; raise `Refused` if it will never be taken, `Unavailable` if perhaps later."""
        if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
            raise Unavailable(f"Sink {self._sink!r}", "OPENLINEAGE_DISABLED is true", "Unset it to send.")
        parsed = self._to_event(json.loads(event.body))
        logged: list[str] = []
        failed = self._failed()
        with _translated(partial(self._fault, event)), _listening(logged):
            _end_line(self._file)
            self._transport.emit(parsed)
            done = self._waited()
        if not done:
            raise self._unavailable(logged[0] if logged else f"it was not done within {TIMEOUT_S} s")
        # One that sends in the background may count a failure a moment before it logs why.
        if logged or self._failed() > failed:
            raise self._unavailable(logged[0] if logged else "it counted a failure, of which its log says more")

    def close(self) -> None:
        """Release the resources of the transport; nothing waits in it."""
        with suppress(HandrailError), _translated(self._unusable):
            self._transport.close(TIMEOUT_S)

    def _waited(self) -> bool:
        waits = (getattr(each, "wait_for_completion", None) for each in _parts(self._transport))
        return all([wait(timeout=TIMEOUT_S) for wait in waits if wait is not None])

    def _failed(self) -> int:
        counts = (getattr(each, "get_stats", None) for each in _parts(self._transport))
        return sum(int(count().get("failed", 0)) for count in counts if count is not None)

    def _unusable(self, error: Exception) -> HandrailError:
        remedy = f"Give the {self._kind} transport what openlineage-python documents for it."
        return Misconfigured(FILE, f"sink {self._sink!r}: {self._described(error)}", remedy)

    def _fault(self, event: QueuedEvent, error: Exception) -> HandrailError:
        answer = getattr(error, "response", None)
        status = getattr(answer, "status_code", None)
        if status in REFUSALS:
            said = f"HTTP {status} {self._hidden(str(getattr(answer, 'text', '')))!r}"
            return Refused(f"Event {event.event_id[:12]} at {self._sink}", (f"It answered {said}.",))
        return self._unavailable(self._described(error))

    def _unavailable(self, problem: str) -> Unavailable:
        return Unavailable(f"Sink {self._sink!r}", self._hidden(problem).rstrip("."), "It is tried again.")

    def _described(self, error: Exception) -> str:
        return self._hidden(f"{type(error).__name__}: {error}").rstrip(".")

    def _hidden(self, text: str) -> str:
        for value, variable in sorted(self._secrets.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, f"${{{variable}}}")
        return " ".join(text.split())[:MAX_SHOWN]


def _parts(transport: Any) -> Iterator[Any]:
    """Yield a transport and those that it hands events to."""
    yield transport
    for inner in (*getattr(transport, "transports", ()), getattr(transport, "transport", None)):
        if hasattr(inner, "emit"):
            yield from _parts(inner)


class _Listener(logging.Handler):
    """Collects the errors that transports log, also that one of several transports failed."""

    def __init__(self, logged: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.name == SEVERAL:
            self._logged.append(record.getMessage())


@contextmanager
def _listening(logged: list[str]) -> Iterator[None]:
    logger, listener = logging.getLogger(LOGGER), _Listener(logged)
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)


def _show_console() -> None:
    """Make the console transport visible: it writes to a log without a handler."""
    logger = logging.getLogger(f"{LOGGER}.console")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(shown)
        logger.propagate = False


def _local_file(settings: Mapping[str, Any]) -> Path | None:
    path = settings.get("log_file_path")
    appends = settings["type"] == "file" and settings.get("append") and not settings.get("filesystem")
    return Path(path) if appends and isinstance(path, str) and "://" not in path else None


def _end_line(file: Path | None) -> None:
    """End the line that a killed process left half written, or the next event would be glued to it."""
    if file is None or not file.is_file() or not file.stat().st_size:
        return
    with file.open("rb+") as opened:
        opened.seek(-1, os.SEEK_END)
        if opened.read(1) != b"\n":
            opened.write(b"\n")
