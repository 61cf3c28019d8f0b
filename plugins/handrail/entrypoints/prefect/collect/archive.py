"""Keeps Prefect's events, which its server drops after a week: a file of JSON lines for each day."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handrail.clock import parse_moment
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.prefect.collect.values import Asset
from handrail.errors import Unavailable

FORMAT = "handrail.prefect-event/1"
REFERENCED = "prefect.asset.referenced"
MATERIALISED = "prefect.asset.materialization.succeeded"
RESOURCE, ROLE, TASK_RUN = "prefect.resource.id", "prefect.resource.role", "prefect.task-run."


class EventArchive:
    """Events by day below one folder; each is kept once, however often it is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Keep events as they are, durably, and return how many were new.

        Raises:
            Unavailable: the folder cannot be written.
        """
        days: dict[str, list[Mapping[str, Any]]] = {}
        for event in events:
            days.setdefault(parse_moment(event["occurred"]).date().isoformat(), []).append(event)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return sum(_append(self._folder / f"{day}.ndjson", found) for day, found in sorted(days.items()))
        except OSError as err:
            problem = err.strerror or "it cannot be written"
            raise Unavailable(
                str(self._folder), problem, "Free the disk or its permissions, and collect again."
            ) from err

    def assets(self) -> tuple[Asset, ...]:
        """Return what is known of assets, oldest first."""
        found = (
            asset
            for file in sorted(self._folder.glob("*.ndjson"))
            for event in _read(file, "prefect.asset.")
            for asset in _asset(event)
        )
        return tuple(sorted(found, key=lambda asset: asset.at))


def _append(file: Path, events: list[Mapping[str, Any]]) -> int:
    with file.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        known = {event["id"] for event in _read(file)}
        new = {event["id"]: event for event in events if event["id"] not in known}
        lines = [json.dumps({"format": FORMAT, "event": event}, sort_keys=True) + "\n" for event in new.values()]
        size = stream.seek(0, os.SEEK_END)
        if size and lines:
            # A line that a kill cut short stands alone, and is read over.
            stream.seek(size - 1)
            lines[:0] = [] if stream.read(1) == b"\n" else ["\n"]
        stream.write("".join(lines).encode())
        stream.flush()
        os.fsync(stream.fileno())
    return len(new)


def _read(file: Path, mention: str = "") -> Iterator[dict[str, Any]]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if mention not in line:
            continue
        try:
            kept = json.loads(line)
        except ValueError:
            continue
        if isinstance(kept, dict) and kept.get("format") == FORMAT:
            yield kept["event"]


def _asset(event: Mapping[str, Any]) -> Iterator[Asset]:
    """Yield what an event says of assets: the one that it is about, and for one that was made, those it was made of."""
    related = event["related"]
    task = next((each[RESOURCE] for each in related if each[RESOURCE].startswith(TASK_RUN)), "")
    if event["event"] not in (REFERENCED, MATERIALISED) or not task:
        return
    at, task_run_id, made = parse_moment(event["occurred"]), task.removeprefix(TASK_RUN), event["event"] == MATERIALISED
    yield Asset(event["resource"][RESOURCE], at, task_run_id, made, _metadata(event) if made else {})
    for each in related:
        if each.get(ROLE) == "asset":
            yield Asset(each[RESOURCE], at, task_run_id, made=False)


def _metadata(event: Mapping[str, Any]) -> dict[str, str]:
    payload = event.get("payload") or {}
    values = {
        name: without_secrets(str(value)) for name, value in payload.items() if isinstance(value, str | int | float)
    }
    name = event["resource"].get("prefect.resource.name")
    by = [each[RESOURCE] for each in event["related"] if each.get(ROLE) == "asset-materialized-by"]
    return values | ({"name": name} if name else {}) | ({"materialized_by": by[0]} if by else {})
