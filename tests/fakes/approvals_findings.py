"""A fake of the book of findings."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.findings import FindingEvent
from handrail.approvals.finding_ports import FindingBook


class MemoryFindings(FindingBook):
    """`FindingBook` in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, list[FindingEvent]] = {}

    def models(self) -> Sequence[str]:
        return sorted(self.stored)

    def events(self, model: str) -> Sequence[FindingEvent]:
        return tuple(self.stored.get(model, ()))

    def append(self, model: str, known: int, event: FindingEvent) -> None:
        if len(self.stored.get(model, ())) != known:
            raise MovedMeanwhile(f"findings about {model}")
        self.stored.setdefault(model, []).append(event)
