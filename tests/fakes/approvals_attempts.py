"""Refused attempts in memory."""

from __future__ import annotations

from handrail.approvals.attempt_ports import AttemptLog
from handrail.approvals.domain.attempts import Attempt
from handrail.approvals.domain.leaves import Leaf
from handrail.errors import Unavailable


class MemoryAttempts(AttemptLog):
    """Keeps each attempt's leaf; while `broken`, as a log that cannot be written."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.broken = False

    def note(self, attempt: Attempt) -> None:
        if self.broken:
            raise Unavailable("The store", "it is locked", "Wait for it.")
        attempt.leaf.content(len(self.leaves))
        self.leaves.append(attempt.leaf)
