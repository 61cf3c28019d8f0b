"""The gate's HTTP interface on the MLflow server: JSON in, JSON out, problem details (RFC 9457) for errors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from mlflow.server import handlers
from werkzeug.exceptions import RequestEntityTooLarge

from handrail.approvals import (
    Differences,
    Gate,
    Opening,
    PredictionDesk,
    RuleChanges,
    Snapshots,
    StillReading,
    Wanted,
)
from handrail.entrypoints.http.bodies import too_large
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, members_of, problem, status_of
from handrail.entrypoints.mlflow.app.cursors import Cursors, open_cursors
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest, read_evidence
from handrail.entrypoints.mlflow.app.finding_routes import close_finding, findings, open_finding
from handrail.entrypoints.mlflow.app.foreign_calls import ForeignRoute
from handrail.entrypoints.mlflow.app.logins import current_account
from handrail.entrypoints.mlflow.app.messages import (
    MAX_BODY_BYTES,
    read_body,
    read_choice,
    read_number,
    read_query,
    read_text,
    read_version,
)
from handrail.entrypoints.mlflow.app.origins import refuse_foreign_pages
from handrail.entrypoints.mlflow.app.refusals import Refusals
from handrail.entrypoints.mlflow.app.rights import account, may, require_model, require_runs, require_sources
from handrail.entrypoints.mlflow.app.rule_routes import RULE_VIEWS
from handrail.entrypoints.mlflow.app.signature_bodies import read_signature
from handrail.entrypoints.mlflow.app.snapshot_routes import commit, confirm, hand_in, snapshots
from handrail.entrypoints.mlflow.app.urgent_routes import break_glass, roll_back
from handrail.errors import HandrailError, InvalidInput
from handrail.refs import Use

PAGE = 50


@dataclass(frozen=True, slots=True)
class Desks:
    """What answers the routes; `outside` are those that others than accounts may call too."""

    gate: Gate
    snapshots: Snapshots
    predictions: PredictionDesk
    rules: RuleChanges
    differences: Differences
    outside: Mapping[Route, ForeignRoute]
    refusals: Refusals


def add_routes(app: Flask, desks: Desks) -> None:
    """Add every `Route` to MLflow's Flask app; its login runs before each of them."""
    gate, rules = desks.gate, desks.rules
    views: dict[Route, Callable[[], Response]] = {route: partial(view, gate) for route, view in _VIEWS.items()}
    views |= {route: partial(_rule_answer, view, rules) for route, view in RULE_VIEWS.items()}
    views |= {route: found.answer for route, found in desks.outside.items()}
    views[Route.REQUESTS] = partial(_requests, gate, open_cursors())
    views[Route.SNAPSHOT] = partial(hand_in, desks.snapshots)
    views[Route.CHANGES] = partial(_changes, gate, desks.differences)
    views[Route.PREDICTIONS] = partial(commit, desks.predictions)
    for route in Route:
        answer = answering(desks.refusals, partial(_of_account, views[route]))
        rule = handlers._add_static_prefix(route.path)
        app.add_url_rule(rule, f"handrail_{route.name.lower()}", answer, methods=[route.method])


def _of_account(view: Callable[[], Response]) -> Response:
    """Refuse who has not logged in, also where the app around this one lets them pass."""
    account()
    return view()


def _open_request(gate: Gate) -> Response:
    """Open a promotion request, or return the existing one about the same subject."""
    fields = read_body("model", "version", "alias", "reason", "evidence", "snapshot")
    content, files, envelopes = read_evidence(fields.get("evidence"))
    opening = Opening(
        model=read_text(fields, "model"),
        version=read_version(fields),
        alias=read_text(fields, "alias"),
        reason=read_text(fields, "reason"),
        evidence=content,
        files=files,
        attestations=envelopes,
        snapshot=None if fields.get("snapshot") is None else read_digest(fields["snapshot"], "snapshot"),
    )
    action = "Opening a promotion request"
    require_model(opening.model, "can_update", action)
    require_sources(opening.model, opening.version, action)
    require_runs((file.run_id for file in opening.files.values()), action)
    view = gate.open_request(opening, account())
    return _json(view.to_json(), 201 if view.is_new else 200)


def _adopt(gate: Gate) -> Response:
    """Open a request that takes over what an alias points at since before the gate."""
    fields = read_body("model", "alias", "reason")
    model = read_text(fields, "model")
    require_model(model, "can_update", "Adopting what an alias points at")
    view = gate.adopt(model, read_text(fields, "alias"), read_text(fields, "reason"), account())
    return _json(view.to_json(), 201 if view.is_new else 200)


def _nonce(gate: Gate) -> Response:
    """Give a nonce with which a pipeline signs evidence for one request."""
    fields = read_body("model", "version", "alias")
    model, version, action = read_text(fields, "model"), read_version(fields), "Getting a nonce"
    require_model(model, "can_update", action)
    require_sources(model, version, action)
    return _json(gate.nonces.give(model, version, read_text(fields, "alias"), account()).to_json(), 201)


def _requests(gate: Gate, cursors: Cursors) -> Response:
    """Return one request by id with its evidence, or a list."""
    wanted = read_query("id", "alias", "state", "after", "limit")
    if "id" in wanted:
        view = gate.request(wanted["id"])
        require_model(view.history.request.subject.model, "can_read", "Reading this request")
        return _json(view.to_json() | {"evidence_content": gate.records.evidence(wanted["id"])})
    if wanted.get("state", "open") != "open":
        raise InvalidInput("state", f"{wanted['state']!r} is unknown", "Ask for state=open, or leave it out.")
    after, most = cursors.open(wanted.get("after", ""), "after"), read_number(wanted, "limit", PAGE, PAGE)
    asked = Wanted(wanted.get("alias"), "state" in wanted, reads=cache(partial(may, level="can_read")))
    views, on = gate.page(after, most, asked)
    rows = [view.to_json() for view in views]
    return _json({"requests": rows} | ({"next": cursors.seal(on)} if on is not None else {}))


def _changes(gate: Gate, differences: Differences) -> Response:
    """Return what changed since the version before the one that a request asks for."""
    request_id = read_query("id").get("id", "")
    require_model(gate.records.model_of(request_id), "can_read", "Reading this request")
    return _json(differences.of(request_id).to_json())


def _decide(gate: Gate) -> Response:
    """Record the decision of the account that is logged in."""
    fields = read_body("request_id", "decision", "reason", "seen", "signature")
    choice, request_id = read_choice(fields), read_text(fields, "request_id")
    require_model(gate.records.model_of(request_id), "can_read", "Deciding about this request")
    seen = None if fields.get("seen") is None else read_digest(fields["seen"], "seen")
    reason, signature = read_text(fields, "reason"), read_signature(fields)
    view = gate.decide(request_id, account(), choice, reason, seen=seen, signature=signature)
    return _json(view.to_json())


def _answer(gate: Gate) -> Response:
    """Record an answer to a question, as the account that is logged in."""
    fields = read_body("request_id", "answer", "question")
    request_id, number = read_text(fields, "request_id"), fields.get("question")
    if number is not None and (type(number) is not int or number < 1):
        raise InvalidInput("question", f"{number!r:.80} is not a number from 1 on", "Send the question's number.")
    require_model(gate.records.model_of(request_id), "can_read", "Answering a question about this request")
    return _json(gate.questions.answer(request_id, account(), read_text(fields, "answer"), number).to_json())


def _renew(gate: Gate) -> Response:
    """Open a void request again, as the account that is logged in."""
    fields = read_body("request_id", "reason")
    request_id = read_text(fields, "request_id")
    old, action = gate.records.request(request_id).history.request, "Renewing a promotion request"
    require_model(old.subject.model, "can_update", action)
    require_sources(old.subject.model, str(old.subject.version), action)
    require_runs((file.run_id for file in old.bound.values()), action)
    reason = None if fields.get("reason") is None else read_text(fields, "reason")
    view = gate.renewals.renew(request_id, account(), reason)
    return _json(gate.request(view.history.request.request_id).to_json(), 201 if view.is_new else 200)


def _permit(gate: Gate) -> Response:
    """Return the signed permit for a use, the newest one or that for a tree."""
    wanted = read_query("server", "model", "alias", "environment", "digest")
    digest = wanted.pop("digest", None)
    if digest is not None:
        read_digest(digest, "digest")
    for name in ("server", "model", "alias", "environment"):
        if not wanted.get(name):
            raise InvalidInput(name, "it is missing", "Send the use: server, model, alias and environment.")
    use = Use.from_json(wanted)
    require_model(use.model, "can_read", "Fetching this permit")
    return Response(gate.records.permit(use, digest), mimetype="application/vnd.dsse.envelope.v1+json")


def _revoke(gate: Gate) -> Response:
    """Take a permit back, as the account that is logged in."""
    fields = read_body("request_id", "reason")
    request_id = read_text(fields, "request_id")
    require_model(gate.records.model_of(request_id), "can_read", "Revoking this permit")
    gate.revoker.revoke(request_id, account(), read_text(fields, "reason"))
    return _json(gate.request(request_id).to_json())


def _revocations(gate: Gate) -> Response:
    """Return the signed list of permits that were taken back."""
    read_query()
    return Response(gate.revoker.envelope(), mimetype="application/vnd.dsse.envelope.v1+json")


def _rule_answer(view: Callable[[RuleChanges], dict[str, Any]], rules: RuleChanges) -> Response:
    return _json(view(rules))


_VIEWS: Mapping[Route, Callable[[Gate], Response]] = {
    Route.OPEN_REQUEST: _open_request,
    Route.ADOPT: _adopt,
    Route.NONCE: _nonce,
    Route.DECIDE: _decide,
    Route.ANSWER: _answer,
    Route.RENEW: _renew,
    Route.ROLL_BACK: roll_back,
    Route.BREAK_GLASS: break_glass,
    Route.OPEN_FINDING: open_finding,
    Route.CLOSE_FINDING: close_finding,
    Route.FINDINGS: findings,
    Route.SNAPSHOTS: snapshots,
    Route.CONFIRM_SNAPSHOT: confirm,
    Route.REVOKE: _revoke,
    Route.REVOCATIONS: _revocations,
    Route.PERMIT: _permit,
}


def answering(refusals: Refusals, view: Callable[[], Response]) -> Callable[[], Response]:
    """Return a view that makes problem details of errors, and has refusals remembered."""

    def answer() -> Response:
        try:
            refuse_foreign_pages()
            return view()
        except HandrailError as err:
            refusals.answered(err, current_account())
            status = status_of(err, in_body=request.method == "POST")
            later = [("Retry-After", str(err.retry_after_s))] if isinstance(err, StillReading) else []
            return _problem(Rejection(status, str(err), later), members_of(err))
        except RequestEntityTooLarge:
            less = "Send less evidence."
            error = InvalidInput("body", f"it is larger than {MAX_BODY_BYTES:,} bytes", less)
            return _problem(too_large(MAX_BODY_BYTES, less), members_of(error))
        except Rejection as rejection:
            of_type = rejection.status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            return _problem(rejection, {"field": "Content-Type"} if of_type else {})

    return answer


def _problem(rejection: Rejection, members: dict[str, Any]) -> Response:
    request_id = request.headers.get("X-Request-Id") or uuid.uuid4().hex
    document = problem(rejection.status, rejection.detail, request_id, **members)
    return Response(document, int(rejection.status), rejection.headers, mimetype=MEDIA_TYPE)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
