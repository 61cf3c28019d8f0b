"""The pages about persons and policies, and the forms by which their changes are proposed and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response

from handrail.approvals import Choice
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import sentence_of
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.rules_page import change_page, policy_row, rules_page
from handrail.entrypoints.http.problems import status_of
from handrail.entrypoints.mlflow.app.messages import read_choice, read_query
from handrail.entrypoints.mlflow.app.pages.answers import base_of, not_recorded, read_form, read_words, see
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account
from handrail.errors import HandrailError, InvalidInput

PROPOSE = "rules"
SAID = {
    "proposed": "It is proposed. The roles named beside it decide.",
    "approve": "Your approval is recorded.",
    "reject": "Your rejection is recorded.",
}


def rules(desk: PageDesk) -> Page:
    """Return what rules, and what files only propose."""
    read_query()
    return _page(desk, {})


def propose(desk: PageDesk) -> Response:
    """Propose what the files say."""
    form = read_form("reason", "token")
    try:
        desk.check(form["token"], PROPOSE)
        view = desk.opened.rules.propose(account(), read_words(form, "reason", "a reason"))
    except HandrailError as err:
        status = int(status_of(err, in_body=True))
        problem = {"problem": sentence_of(err), "reason": form["reason"], "status": status}
        return not_recorded(
            desk, Address.RULES, err, lambda: rules_page(_in_force(desk) | problem, desk.opened.reviewing.names())
        )
    return see(_address(view.history.change.change_id, "proposed"))


def change(desk: PageDesk, change_id: str) -> Page:
    """Return a proposed change."""
    said = read_query("said").get("said", "")
    page = _change(desk, change_id, {})
    return replace(page, extra=dict(page.extra) | {"said": confirmed(said, page.facts["change"], account())})


def decide(desk: PageDesk, change_id: str) -> Response:
    """Record a decision about a change."""
    form = read_form("decision", "reason", "token")
    try:
        desk.check(form["token"], _about(change_id))
        choice = read_choice(form)
        if choice is Choice.ASK:
            raise InvalidInput("decision", "a change of rules has no questions", "Approve or reject it.")
        desk.opened.rules.decide(change_id, account(), choice, read_words(form, "reason", "a reason"))
    except HandrailError as err:
        kept: dict[str, Any] = {"problem": sentence_of(err), "chosen": form["decision"], "reason": form["reason"]}
        kept["status"] = int(status_of(err, in_body=True))
        return not_recorded(desk, Address.RULES, err, lambda: _change(desk, change_id, kept))
    return see(_address(change_id, str(choice)))


def _page(desk: PageDesk, more: Mapping[str, Any]) -> Page:
    return rules_page(_in_force(desk) | dict(more), desk.opened.reviewing.names())


def _in_force(desk: PageDesk) -> dict[str, Any]:
    rules = desk.opened.rules
    now = rules.views.in_force()
    readable = rules.views.read(now.rules)
    directory = readable.directory()
    files = rules.look()
    return {
        "in_force": now.to_json(),
        "changes": [view.to_json() for view in rules.views.changes()],
        "files": files,
        "token": desk.token(PROPOSE) if files and directory.answerable(account()) else "",
        "policies": [policy_row(name, policy) for name, policy in sorted(readable.policies().items())],
        "persons": [
            {"name": each.name, "roles": sorted(each.roles), "accounts": sorted(each.accounts), "keys": len(each.keys)}
            for each in directory.persons
        ],
        "services": [
            {"name": each.name, "accounts": sorted(each.accounts), "owner": each.owner} for each in directory.services
        ],
    }


def _change(desk: PageDesk, change_id: str, extra: Mapping[str, Any]) -> Page:
    rules = desk.opened.rules
    view = rules.views.change(change_id)
    why_not = rules.why_not(change_id, account())
    token = "" if why_not else desk.token(_about(change_id))
    names = desk.opened.reviewing.names()
    return change_page(view.to_json(), {"token": token, "why_not": why_not} | dict(extra), names)


def confirmed(said: str, change: Mapping[str, Any], account: str) -> str:
    """Return the sentence after a form was recorded, made of what is true and not of the address alone."""
    did = {each["decision"] for each in change["decisions"] if each["account"] == account}
    return SAID.get(said, "") if said in did or said == "proposed" else ""


def _about(change_id: str) -> str:
    return f"rule decision {change_id}"


def _address(change_id: str, said: str) -> str:
    return Address.RULE_CHANGE.to(base_of(), {"said": said}, change_id=change_id)
