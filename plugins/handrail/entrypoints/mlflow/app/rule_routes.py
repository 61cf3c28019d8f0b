"""The part of the gate's HTTP interface that is about its rules: what is in force, proposals, decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail.approvals import Choice, RuleChanges
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.mlflow.app.messages import read_body, read_choice, read_query, read_text
from handrail.entrypoints.mlflow.app.rights import account
from handrail.entrypoints.mlflow.app.signature_bodies import read_signature
from handrail.errors import InvalidInput


def _in_force(rules: RuleChanges) -> dict[str, Any]:
    """Return what rules, and what the files only propose."""
    read_query()
    now = rules.views.in_force()
    server = rules.signatures.server
    return {"server": server, "in_force": now.to_json() | {"texts": dict(now.rules.texts)}, "files": list(rules.look())}


def _propose(rules: RuleChanges) -> dict[str, Any]:
    """Propose what the files say, as the account that is logged in."""
    return rules.propose(account(), read_text(read_body("reason"), "reason")).to_json()


def _changes(rules: RuleChanges) -> dict[str, Any]:
    """Return one proposed change by id, or all."""
    wanted = read_query("id")
    if "id" in wanted:
        return rules.views.change(wanted["id"]).to_json() | {"server": rules.signatures.server}
    return {"changes": [view.to_json() for view in rules.views.changes()]}


def _decide(rules: RuleChanges) -> dict[str, Any]:
    """Record the decision of the account that is logged in."""
    fields = read_body("change_id", "decision", "reason", "signature")
    choice, change_id = read_choice(fields), read_text(fields, "change_id")
    if choice is Choice.ASK:
        raise InvalidInput("decision", "a change of rules has no questions", "Send 'approve' or 'reject'.")
    reason, signature = read_text(fields, "reason"), read_signature(fields)
    return rules.decide(change_id, account(), choice, reason, signature=signature).to_json()


RULE_VIEWS: Mapping[Route, Callable[[RuleChanges], dict[str, Any]]] = {
    Route.RULES: _in_force,
    Route.PROPOSE_RULES: _propose,
    Route.RULE_CHANGES: _changes,
    Route.DECIDE_RULES: _decide,
}
