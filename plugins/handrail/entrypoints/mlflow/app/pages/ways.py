"""What an account may do about an alias at once, as its page shows it: whereto it can go back, and who could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals import Purpose, Tenure, urgent_ways
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account, may
from handrail.errors import UnknownReference
from handrail.manifest import digest_of

Row = dict[str, Any]
MOST_VERSIONS = 20


@dataclass(frozen=True, slots=True)
class Ways:
    """What the page shows, as JSON values, and the tokens of the forms that the account may send, by their names."""

    facts: Row
    tokens: dict[str, str]


def ways_of(desk: PageDesk, model: str, alias: str, moves: Sequence[Tenure]) -> Ways | None:
    """Return what can be done about an alias; None where it has no policy, so that nothing can.

    Args:
        desk: what the pages read.
        model: the registered model, which the account may read.
        alias: its alias.
        moves: every move of the alias, oldest first.
    """
    try:
        prompt = bool(moves) and moves[-1].history.request.subject.prompt
        ways = urgent_ways(desk.opened.reviewing.rules, model, alias, account(), prompt=prompt)
    except UnknownReference:
        return None
    versions = _earlier(moves)
    back, glass = ways.back.to_json(), ways.glass.to_json()
    if back["refusal"] is None and not may(model, "can_update"):
        back["refusal"] = f"Your account may not change {model} in MLflow; its owner can let it."
    if ways.signed:
        glass["refusal"] = (
            glass["refusal"] or "The policy asks for a signature with a key of your own: use the command."
        )
    facts: Row = {
        "points_at": moves[-1].history.request.subject.version if moves else None,
        "back": back | {"versions": versions},
        "glass": glass | {"hours": ways.hours},
    }
    facts["seen"] = digest_of([model, alias, [each.history.request.request_id for each in moves[-1:]], facts])
    allowed = {"rollback": not back["refusal"] and bool(versions), "break-glass": not glass["refusal"]}
    tokens = {name: desk.token(about(name, facts["seen"])) for name, is_allowed in allowed.items() if is_allowed}
    return Ways(facts, tokens)


def about(form: str, seen: str) -> str:
    """Return what a form's token is about; the digest of what was shown names model and alias."""
    return f"{form} {seen}"


def _earlier(moves: Sequence[Tenure]) -> list[Row]:
    """Return the versions that the alias may go back to, the last one first; the gate looks at each again."""
    if not moves:
        return []
    now = moves[-1].history.request.subject
    found: dict[int, Row] = {}
    for each in reversed(moves):
        bound = each.history.request.subject
        usable = bound.epoch == now.epoch and bound.version != now.version and bound.purpose is not Purpose.BREAK_GLASS
        if usable and bound.version not in found:
            revoked = each.history.revoked is not None
            found[bound.version] = {"version": bound.version, "since": each.since.isoformat(), "revoked": revoked}
    return [row for row in found.values() if not row["revoked"]][:MOST_VERSIONS]
