"""Whether the same was asked before, and whether that request still answers the question."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.approvals.domain.events import History
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.subject import Subject
from handrail.approvals.service.asking import GatePorts
from handrail.approvals.service.expiry import Expiry

RENEWAL = timedelta(days=30)
"""How long before its end a permit can be asked for again."""


def latest_about(ports: GatePorts, subject: Subject, expiry: Expiry, now: datetime) -> tuple[int, History | None]:
    """Return the next turn's number, and the last request about the subject if it still answers the question.

    One that has expired is ended first.
    """
    expiry.settle(ports.index.find(subject_key=subject.key))
    earlier = ports.index.find(subject_key=subject.key)
    if not earlier:
        return 0, None
    last = earlier[-1]
    points_here = ports.registry.incumbent(subject.model, subject.alias) == subject.version
    if last.done:
        return len(earlier), last if points_here and not _is_used_up(last, now) else None
    is_measured = not (last.evaluated and last.evaluated.problem)
    same = is_measured and not last.voided and not subject.changes_since(last.request.subject)
    return len(earlier), last if same or last.open_move else None


def _is_used_up(promoted: History, now: datetime) -> bool:
    """Whether the permit of a promotion is used up, or soon will be, so that the same may be asked for again."""
    assert promoted.done is not None
    terms = Permit.from_payload(Envelope.from_json(promoted.done.envelope).payload).terms
    return promoted.revoked is not None or terms is None or now >= terms.expires - RENEWAL
