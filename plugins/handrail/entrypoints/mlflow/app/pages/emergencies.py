"""What is in force by break-glass: who did it, until when it stands, who confirms it, and whether one may oneself."""

from __future__ import annotations

from typing import Any

from handrail.approvals import Purpose, RequestView, Reviewers
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account

Row = dict[str, Any]


def emergency_of(desk: PageDesk, view: RequestView) -> Row | None:
    """Return the emergency that a request is, or confirms, while it is in force; None for every other request."""
    bound, request_id = view.history.request.subject, view.history.request.request_id
    if bound.purpose not in (Purpose.BREAK_GLASS, Purpose.CONFIRMATION):
        return None
    found = emergency_about(desk, bound.model, bound.alias)
    return found if found and request_id in (found["request_id"], found["confirmation"]) else None


def emergency_about(desk: PageDesk, model: str, alias: str) -> Row | None:
    """Return the emergency by which an alias points where it does; None if there is none."""
    glass = desk.opened.gate.glass
    for each in glass.in_force():
        request, bound = each.history.request, each.history.request.subject
        if (bound.model, bound.alias) != (model, alias):
            continue
        asked = glass.confirmation_of(each.history)
        view = desk.opened.gate.request(asked.request.request_id) if asked else None
        reviewers = desk.opened.reviewing.of(view, account()) if view else None
        return {
            "request_id": request.request_id,
            "model": bound.model,
            "version": bound.version,
            "alias": bound.alias,
            "account": request.requester,
            "by": desk.opened.reviewing.names()(request.requester),
            "reason": request.reason,
            "ends": each.ends.isoformat(),
            "before": bound.incumbent,
            "confirmation": view.history.request.request_id if view else None,
        } | _places(reviewers)
    return None


def _places(reviewers: Reviewers | None) -> Row:
    """Return how many confirmations are missing, whose are there, who could give the others, and whether one may."""
    if reviewers is None:
        return {"missing": None, "given": [], "could": [], "is_mine": False}
    places = [place for step in reviewers.steps for place in step]
    given = [each.person for place in places for each in place.given]
    return {
        "missing": reviewers.missing,
        "given": given,
        "could": sorted({name for place in places for name in place.could}),
        "is_mine": reviewers.may_decide and reviewers.me not in given,
    }
