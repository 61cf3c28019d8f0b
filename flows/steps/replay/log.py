"""What a replay keeps on disk so that the next one continues from there: its place, and how each batch was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.steps.project.outputs import write_json
from handrail.clock import parse_moment

FORMAT = "handrail.replay/1"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a replay of these days against this deployment came; `hour` is the last finished one.

    `features_until` is the moment up to which feature rows were written to the online store.
    """

    deployment: str
    days: tuple[str, ...]
    hour: datetime | None
    features_until: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """How one batch was answered: attempts that failed before one succeeded, and the milliseconds of that one."""

    hour: datetime
    failures: int
    latency_ms: float


def scored_months(home: Path) -> Path:
    """Return the folder of whole scored months: rows with their features and `score`, a parquet file a month."""
    return home / "replay" / "scored"


class ReplayLog:
    """Files under home/replay: `place.json`, `batches.jsonl` and `online.jsonl`."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in `folder`, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def position(self) -> Position | None:
        """Return where the last replay stopped, or None before the first."""
        file = self._folder / "place.json"
        if not file.is_file():
            return None
        held = json.loads(file.read_text(encoding="utf-8"))
        return Position(held["deployment"], tuple(held["days"]), _moment(held["hour"]), _moment(held["features_until"]))

    def save_position(self, position: Position) -> None:
        """Keep a new position in one step."""
        values = asdict(position) | {"format": FORMAT, "hour": _text(position.hour)}
        write_json(self._folder / "place.json", values | {"features_until": _text(position.features_until)})

    def restart(self) -> None:
        """Forget the batches and samples of an earlier replay."""
        for name in ("place.json", "batches.jsonl", "online.jsonl"):
            (self._folder / name).unlink(missing_ok=True)

    def add_batch(self, batch: Batch) -> None:
        """Append how a batch was answered; of an hour that is repeated the last entry counts."""
        self._append("batches.jsonl", asdict(batch) | {"hour": batch.hour.isoformat()})

    def batches(self) -> list[Batch]:
        """Return one entry an hour, in order."""
        # Earlier versions also counted what was asked about.
        entries = (
            Batch(parse_moment(entry["hour"]), entry["failures"], entry["latency_ms"])
            for entry in self._lines("batches.jsonl")
        )
        latest = {batch.hour: batch for batch in entries}
        return [latest[hour] for hour in sorted(latest)]

    def add_online(self, hour: datetime, subjects: list[str], columns: dict[str, list[Any]]) -> None:
        """Append the online features of a batch, as they were read in that hour."""
        self._append("online.jsonl", {"hour": hour.isoformat(), "subjects": subjects, "columns": columns})

    def online(self) -> list[dict[str, Any]]:
        """Return what `add_online` kept, one entry an hour."""
        latest = {entry["hour"]: _with_subjects(entry) for entry in self._lines("online.jsonl")}
        return [latest[hour] for hour in sorted(latest)]

    def _append(self, name: str, entry: dict[str, Any]) -> None:
        # The line break comes first, so that half a line left by a killed replay spoils no other.
        with (self._folder / name).open("a", encoding="utf-8") as stream:
            stream.write("\n" + json.dumps(entry))

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        file = self._folder / name
        if not file.is_file():
            return
        for line in filter(None, file.read_text(encoding="utf-8").splitlines()):
            try:
                yield json.loads(line)
            except ValueError:
                # Only a killed replay leaves half a line; its hour is repeated.
                continue


def _with_subjects(entry: dict[str, Any]) -> dict[str, Any]:
    """Read an entry of an earlier version too: it named the subjects as the use case does."""
    subjects = next(value for name, value in entry.items() if name not in ("hour", "columns"))
    return {"hour": entry["hour"], "subjects": subjects, "columns": entry["columns"]}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)
