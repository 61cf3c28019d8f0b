"""Whether a version can be adopted: taken over by the gate because an alias points at it since before the gate."""

from __future__ import annotations

from handrail.approvals.domain.people import folded
from handrail.approvals.domain.subject import Subject
from handrail.approvals.ports import Registry, RequestIndex
from handrail.errors import Refused


def adoptable(registry: Registry, model: str, alias: str) -> int:
    """Return the version that an alias, however it is spelt, points at.

    Raises:
        Refused: it points at nothing.
    """
    points_at = registry.incumbent(model, folded(alias))
    if points_at is None:
        reasons = (f"Only what the alias points at can be adopted, and {alias!r} points at nothing.",)
        raise Refused(f"Adopting {alias!r} of {model!r}", reasons)
    return points_at


def refuse_strange_adoption(subject: Subject, registry: Registry, index: RequestIndex) -> None:
    """Refuse to adopt what the alias does not point at, or what the gate has promoted itself.

    Raises:
        Refused: with the reason.
    """
    label = f"Adopting version {subject.version} of {subject.model!r} as {subject.alias!r}"
    known = [row.request_id for row in index.promoted() if row.is_about(subject)]
    if known:
        raise Refused(label, (f"{known[0]} has promoted it; there is nothing to adopt.",))
    if reasons := why_no_adoption(subject, registry):
        raise Refused(label, reasons)


def why_no_adoption(subject: Subject, registry: Registry) -> tuple[str, ...]:
    """Return why the subject, if it is an adoption, cannot be one now; empty if it can, or is a promotion."""
    if not subject.adopts:
        return ()
    points_at = registry.incumbent(subject.model, subject.alias)
    if points_at == subject.version:
        return ()
    at = f"version {points_at}" if points_at else "nothing"
    return (f"Only what the alias points at can be adopted, and {subject.alias!r} points at {at}.",)
