"""The forms of an alias's page: back to an earlier version, and breaking the glass in an emergency."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from handrail.approvals import Opening, Purpose
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import sentence_of
from handrail.entrypoints.http.problems import status_of
from handrail.entrypoints.mlflow.app.messages import read_version
from handrail.entrypoints.mlflow.app.pages.aliases import page_of
from handrail.entrypoints.mlflow.app.pages.answers import base_of, not_recorded, read_form, read_words, see
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.pages.ways import about, ways_of
from handrail.entrypoints.mlflow.app.rights import account, require_model
from handrail.errors import Contradiction, HandrailError


def roll_back(desk: PageDesk, model: str, alias: str) -> Response:
    """Ask to go back to a version that the gate promoted before; one other person approves it."""

    def ask(opening: Opening) -> str:
        require_model(model, "can_update", "Asking for a rollback")
        view = desk.opened.gate.open_request(opening, account())
        request_id = view.history.request.request_id
        return Address.REQUEST.to(base_of(), {"said": "rollback"}, request_id=request_id)

    return _send(desk, "rollback", Purpose.ROLLBACK, (model, alias), ask)


def break_glass(desk: PageDesk, model: str, alias: str) -> Response:
    """Move the alias at once, by the word of the account that is logged in."""

    def move(opening: Opening) -> str:
        desk.opened.gate.glass.break_glass(opening, account())
        return Address.TIMELINE.to(base_of(), {"said": "break-glass"}, model=model, alias=alias)

    return _send(desk, "break-glass", Purpose.BREAK_GLASS, (model, alias), move)


def _send(
    desk: PageDesk, form: str, purpose: Purpose, named: tuple[str, str], act: Callable[[Opening], str]
) -> Response:
    """Do what a form asks for, if the page that it was on shows what is so now; the texts are kept where it fails."""
    fields, (model, alias) = read_form("version", "reason", "seen", "token"), named
    require_model(model, "can_read", "Reading what its aliases pointed at")
    try:
        desk.check(fields["token"], about(form, fields["seen"]))
        ways = ways_of(desk, model, alias, desk.opened.gate.records.moves(model, alias))
        if ways is None or ways.facts["seen"] != fields["seen"]:
            reason = (
                f"{alias} of {model}, or who may do this, changed after you opened the page. Look again, and send it."
            )
            raise Contradiction("What you sent", (reason,))
        version, reason = read_version(dict(fields)), read_words(fields, "reason", "a reason")
        return see(act(Opening(model, version, alias, reason, {}, purpose=purpose)))
    except HandrailError as err:
        kept = fields | {"form": form, "problem": sentence_of(err), "status": str(int(status_of(err, in_body=True)))}
        return not_recorded(desk, Address.TIMELINES, err, lambda: page_of(desk, model, alias, {}, kept))
