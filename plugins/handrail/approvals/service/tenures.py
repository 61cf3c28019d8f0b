"""Which approved version an alias pointed at, at any moment, and who let it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def tenures(histories: Iterable[History], model: str, alias: str) -> tuple[Tenure, ...]:
    """Return what the alias of the model pointed at, one after the other, from promoted requests and others."""
    about = (model, alias)
    done = ((each.done.at, each) for each in histories if each.done and _about(each) == about)
    moves = sorted(done, key=lambda pair: pair[0])
    ends = [*(since for since, _ in moves[1:]), None][: len(moves)]
    return tuple(Tenure(history, since, until) for (since, history), until in zip(moves, ends, strict=True))


def _about(history: History) -> tuple[str, str]:
    return history.request.subject.model, history.request.subject.alias


def tenure_at(moves: Sequence[Tenure], name: str, moment: datetime) -> Tenure:
    """Return what the gate had last moved the alias of this name to by then.

    Raises:
        UnknownReference: it had not moved it yet.
    """
    begun = [tenure for tenure in moves if tenure.since <= moment]
    if not begun:
        never = "The gate never moved this alias."
        first = f"The gate moved it first at {moves[0].since.isoformat()}." if moves else never
        raise UnknownReference("approved version", f"{name} at {moment.isoformat()}", first)
    return begun[-1]
