"""Logs of a serving process: one JSON object a line, also one for each request; never what a caller sent.

On a terminal lines stay as they are for people. Lines of requests are written together, five times a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from handrail.clock import system_time

FLUSH_EVERY_S = 0.2
MOST_IDS = 20
"""So many ids of predictions a line has; `predictions` counts them all."""
_OURS = ("", "bentoml", "handrail", "uvicorn", "uvicorn.error", "uvicorn.access")


class JsonLines(logging.Formatter):
    """One object a line. Of an exception its class and its places in the code: its text may quote what was sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            places = traceback.extract_tb(record.exc_info[2])
            line["exception"] = record.exc_info[0].__name__
            line["places"] = [f"{each.filename}:{each.lineno} {each.name}" for each in places]
        return json.dumps(line, ensure_ascii=False)


def log_as_json(stream: TextIO | None = None) -> None:
    """Let every handler of this process write one object a line, unless `stream` (stderr) is a terminal."""
    if (stream or sys.stderr).isatty():
        return
    for name in _OURS:
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(JsonLines())


class RequestLog:
    """Writes a line for each request, some of them together."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], datetime] = system_time) -> None:
        """Write to `stream`, stderr if None."""
        self._stream, self._clock = stream or sys.stderr, clock
        self._lines: list[str] = []

    def add(self, facts: Mapping[str, Any]) -> None:
        """Log one request by its facts; those that are empty are left out."""
        line = {"time": self._clock().isoformat(timespec="milliseconds"), "level": "info", "event": "request"}
        line |= {name: value for name, value in facts.items() if value not in ("", [], None)}
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_EVERY_S, self.flush)
        self._lines.append(json.dumps(line))

    def flush(self) -> None:
        """Write what waits; a closed or full log stops nobody."""
        lines, self._lines = self._lines, []
        try:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()
        except (OSError, ValueError):
            return
