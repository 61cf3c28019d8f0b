"""Whether a request with a short way can be made: back to what was approved, or from what was there before the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.events import History, MoveIntended
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.subject import Purpose, Subject
from handrail.approvals.ports import RequestIndex
from handrail.approvals.service.adoption import refuse_strange_adoption, why_no_adoption
from handrail.approvals.service.asking import GatePorts
from handrail.errors import Refused

GATE = "the gate"
"""Who asks for, and takes back, what the gate does by itself."""


def refuse_strange(subject: Subject, ports: GatePorts) -> None:
    """Refuse to adopt, or to go back to, what cannot be.

    Raises:
        Refused: with the reason.
    """
    if subject.adopts:
        refuse_strange_adoption(subject, ports.registry, ports.index)
    reasons = why_no_way_back(subject, ports.index)
    points_at = ports.registry.incumbent(subject.model, subject.alias)
    is_new = subject.purpose is Purpose.ROLLBACK and not ports.index.find(subject_key=subject.key)
    if is_new and points_at == subject.version:
        reasons += (f"{subject.alias!r} points at it already.",)
    if reasons:
        raise Refused(f"Going back to version {subject.version} of {subject.model!r} as {subject.alias!r}", reasons)


def why_not_any_more(subject: Subject, ports: GatePorts) -> tuple[str, ...]:
    """Return why a request about this subject, if it has a short way, cannot be one now."""
    return why_no_adoption(subject, ports.registry) + why_no_way_back(subject, ports.index)


def promoted_before(subject: Subject, index: RequestIndex) -> History | None:
    """Return the last promotion of exactly this version to the alias; one in an emergency alone is none."""
    named = (subject.model, subject.epoch, subject.version, subject.created)
    found = [
        history
        for history in index.find(alias=subject.alias)
        if history.done and history.request.subject.purpose is not Purpose.BREAK_GLASS
        for other in [history.request.subject]
        if (other.model, other.epoch, other.version, other.created) == named
    ]
    return max(found, key=lambda history: history.done.at if history.done else history.request.opened_at, default=None)


def why_no_way_back(subject: Subject, index: RequestIndex) -> tuple[str, ...]:
    """Return why a request about this subject cannot go back to it; nothing if it can, or asks for something else."""
    if subject.purpose not in (Purpose.ROLLBACK, Purpose.REVERT):
        return ()
    before = promoted_before(subject, index)
    if before is None:
        never = f"The gate never promoted version {subject.version} to {subject.alias!r}; ask for its promotion."
        return (never,)
    request = before.request
    if before.revoked:
        return (f"{before.revoked.person} took its permit back ({request.request_id}): {before.revoked.reason!r}",)
    if request.subject.tree_digest != subject.tree_digest:
        return (f"Its files are not those that {request.request_id} approved; ask for its promotion.",)
    return ()


def approvals_before(subject: Subject, index: RequestIndex) -> tuple[Mapping[str, str], ...]:
    """Return person, account and moment of the approvals that the last promotion of a version to the alias had."""
    before = promoted_before(subject, index)
    events = reversed(before.events) if before else ()
    intent = next((event for event in events if isinstance(event, MoveIntended)), None)
    rows = intent.statement["predicate"]["approvers"] if intent else ()
    return tuple({name: str(row[name]) for name in ("person", "account", "at")} for row in rows)


@dataclass(frozen=True, slots=True)
class Emergency:
    """A promotion by break-glass, and when its permit ends unless others confirm it."""

    history: History
    ends: datetime


def expires(promoted: History) -> datetime:
    """Return when the permit of a promoted request ends."""
    assert promoted.done is not None
    terms = Permit.from_payload(Envelope.from_json(promoted.done.envelope).payload).terms
    assert terms is not None
    return terms.expires
