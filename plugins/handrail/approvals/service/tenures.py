"""Which approved version an alias pointed at, at any moment, and who let it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.short_requests import carried
from handrail.errors import UnknownReference


@dataclass(frozen=True, slots=True)
class Tenure:
    """A promoted request, and from when until when its version was what the alias pointed at; None: until now."""

    history: History
    since: datetime
    until: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return what, who, when, by which rule and on what evidence, as JSON values."""
        request, done = self.history.request, self.history.done
        assert done is not None
        permit = Permit.from_payload(Envelope.from_json(done.envelope).payload)
        counted = [
            decision
            for decision in (*self.history.decisions, *carried(self.history))
            if decision.choice is Choice.APPROVE and decision.person in permit.approvers
        ]
        return {
            "model": request.subject.model,
            "version": request.subject.version,
            "alias": request.subject.alias,
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "request_id": request.request_id,
            "purpose": request.subject.purpose,
            "requester": request.requester,
            "reason": request.reason,
            "authors": list(request.authors),
            "approvers": [
                {
                    "person": decision.person,
                    "account": decision.account,
                    "at": decision.at.isoformat(),
                    "reason": decision.reason,
                }
                for decision in counted
            ],
            "policy_digest": request.subject.policy_digest,
            "tree_digest": request.subject.tree_digest,
            "evidence": dict(request.subject.evidence),
        }


def tenure_at(histories: Iterable[History], model: str, alias: str, moment: datetime) -> Tenure:
    """Return what the gate had last moved the alias to by then.

    Raises:
        UnknownReference: it had not moved it yet.
    """
    moves = sorted(
        (
            (history.done.at, history)
            for history in histories
            if history.done and (history.request.subject.model, history.request.subject.alias) == (model, alias)
        ),
        key=lambda pair: pair[0],
    )
    begun = [number for number, (since, _) in enumerate(moves) if since <= moment]
    if not begun:
        raise UnknownReference(
            "approved version",
            f"{model}@{alias} at {moment.isoformat()}",
            f"The gate moved it first at {moves[0][0].isoformat()}." if moves else "The gate never moved this alias.",
        )
    since, history = moves[begun[-1]]
    following = moves[begun[-1] + 1 : begun[-1] + 2]
    return Tenure(history, since, following[0][0] if following else None)
