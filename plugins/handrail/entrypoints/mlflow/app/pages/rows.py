"""The pages of labelled rows in the gate's custody, and the form by which a second person confirms them."""

from __future__ import annotations

from flask import Response

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import sentence_of
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.rows_page import Sent, rows_page, snapshot_page
from handrail.entrypoints.http.problems import status_of
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.answers import base_of, not_recorded, read_form, see
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account, may, require_model
from handrail.errors import HandrailError


def listed(desk: PageDesk) -> Page:
    """Return what was handed in for the models that the account may read; `model` names one of them."""
    model = read_query("model").get("model", "").strip()
    if model:
        require_model(model, "can_read", "Looking at labelled rows")
    snapshots = desk.opened.gate.snapshots
    models = [model] if model else [each for each in snapshots.models() if may(each, "can_read")]
    found = [view for each in models for view in snapshots.listed(each)]
    me = desk.opened.reviewing.person(account())
    return rows_page(found, model, me.name if me else None, desk.opened.reviewing.names())


def snapshot(desk: PageDesk, model: str, snapshot: str) -> Page:
    """Return one snapshot with what it holds."""
    said = read_query("said").get("said", "")
    require_model(model, "can_read", "Looking at labelled rows")
    return _page(desk, model, snapshot, Sent(said=said))


def confirm(desk: PageDesk, model: str, snapshot: str) -> Response:
    """Record that the account's person answers for the rows too."""
    form = read_form("token")
    require_model(model, "can_read", "Confirming labelled rows")
    try:
        desk.check(form["token"], _about(model, snapshot))
        desk.opened.gate.snapshots.confirm(model, read_digest(snapshot, "snapshot"), account())
    except HandrailError as err:
        sent = Sent(sentence_of(err), int(status_of(err, in_body=True)))
        return not_recorded(desk, Address.RULES, err, lambda: _page(desk, model, snapshot, sent))
    return see(Address.SNAPSHOT.to(base_of(), {"said": "confirmed"}, model=model, snapshot=snapshot))


def _page(desk: PageDesk, model: str, snapshot: str, sent: Sent) -> Page:
    snapshots = desk.opened.gate.snapshots
    view = snapshots.shown(model, read_digest(snapshot, "snapshot"))
    refusal = snapshots.why_not(model, view.digest, account())
    token = desk.token(_about(model, snapshot)) if refusal is None else ""
    mine = any(each.account == account() for each in view.confirmed)
    return snapshot_page(view, refusal, token, sent if mine or sent.problem else Sent(), desk.opened.reviewing.names())


def _about(model: str, snapshot: str) -> str:
    return f"rows {snapshot} {model}"
