"""The two clocks: system time for approvals, permits and logs; event time for features, predictions and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from handrail.files import replace_file

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC datetime."""


def system_time() -> datetime:
    """Return the machine's present moment in UTC. Approvals, permits, logs and pointers use it, always."""
    return datetime.now(UTC)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment as UTC; a text without a zone is taken as UTC.

    Raises:
        ValueError: the text is not ISO 8601.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def midnight(day: date, zone: str) -> datetime:
    """Return when a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


class EventClock:
    """Event time: the system's in production; in replay mode what the replay driver wrote into a file."""

    def __init__(self, replay_file: Path | None) -> None:
        """Read `replay_file` at each call; None means production, where event time is system time."""
        self._file = replay_file

    def __call__(self) -> datetime:
        """Return the present event time in UTC; before the first replayed moment, system time."""
        if self._file is None or not self._file.exists():
            return system_time()
        return parse_moment(self._file.read_text(encoding="ascii"))

    def set(self, moment: datetime) -> None:
        """Write the replayed moment; only the replay driver calls this.

        Raises:
            RuntimeError: this clock is not in replay mode.
        """
        if self._file is None:
            raise RuntimeError("Event time follows the system here: replay mode is off.")
        # Written for every simulated hour, and worth nothing after a power cut.
        replace_file(self._file, moment.astimezone(UTC).isoformat().encode("ascii"), durable=False)
