"""Refused attempts as leaves of the log, in this process or in the keeper's."""

from __future__ import annotations

from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.attempt_ports import AttemptLog
from handrail.approvals.domain.attempts import Attempt
from handrail.approvals.ports import LeafLog


class LogAttempts(AttemptLog):
    """Keeps the promise of `AttemptLog` with the log itself."""

    def __init__(self, log: LeafLog) -> None:
        """Append to this log."""
        self._log = log

    def note(self, attempt: Attempt) -> None:
        """Append the attempt's alarm leaf."""
        self._log.note(attempt.leaf)


class SocketAttempts(AttemptLog):
    """Keeps the promise of `AttemptLog` by asking a keeper, who appends leaves of this one kind for a server."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def note(self, attempt: Attempt) -> None:
        """Have the attempt's alarm leaf appended."""
        self._keeper.ask(
            "attempts.note",
            kind=str(attempt.kind),
            account=attempt.account,
            sentence=attempt.sentence,
            at=attempt.at.isoformat(),
            count=attempt.count,
        )
