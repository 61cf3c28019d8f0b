"""An online store and a bento that only remember what a replay does with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows.steps.replay.bento import Answer
from handrail.errors import Unavailable


class RememberingStore:
    """Remembers the spans that were written."""

    def __init__(self) -> None:
        self.spans: list[tuple[datetime | None, datetime]] = []
        self.forgotten = 0

    def write_known(self, since: datetime | None, until: datetime) -> None:
        self.spans.append((since, until))

    def forget(self) -> None:
        self.forgotten += 1

    def read(self, items: Sequence[dict[str, Any]], at: datetime) -> dict[str, list[Any]]:
        return {"hour": [at.hour] * len(items)}


class RememberingBento:
    """Answers every batch, keeps each item and event once, and fails once at `fails_at`."""

    def __init__(self, deployment: str, fails_at: datetime | None = None) -> None:
        self.deployment = deployment
        self.fails_at = fails_at
        self.predicted: dict[tuple[datetime, str], None] = {}
        self.events: dict[tuple[Any, ...], None] = {}

    def predict(self, hour: datetime, items: Sequence[dict[str, Any]]) -> Answer:
        if hour == self.fails_at:
            self.fails_at = None
            raise Unavailable("The bento", "it was stopped", "Start it.")
        self.predicted.update({(hour, item["flight_id"]): None for item in items})
        return Answer({"deployment": self.deployment, "predictions": []}, 0, 12.0)

    def report(self, hour: datetime, events: Sequence[dict[str, Any]]) -> Answer:
        self.events.update({tuple(event.values()): None for event in events})
        return Answer({}, 0, 3.0)
