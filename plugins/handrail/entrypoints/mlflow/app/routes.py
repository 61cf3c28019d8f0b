"""The gate's HTTP interface on the MLflow server: JSON in, JSON out, problem details (RFC 9457) for errors."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from functools import cache, partial
from http import HTTPStatus
from typing import Any, BinaryIO, NoReturn, cast

from flask import Flask, Response, request
from mlflow.server import handlers
from werkzeug.exceptions import RequestEntityTooLarge

from handrail.approvals import Choice, Gate, Opening, Snapshots, plain_text
from handrail.clock import system_time
from handrail.entrypoints.http.bodies import too_large
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, members_of, problem, status_of
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest, read_evidence
from handrail.entrypoints.mlflow.app.origins import refuse_foreign_pages
from handrail.entrypoints.mlflow.app.rights import account, may, require_model, require_runs, require_sources
from handrail.errors import HandrailError, InvalidInput
from handrail.refs import Use

MAX_BODY_BYTES = 1 << 20
SNAPSHOT_TYPE = "application/vnd.apache.parquet"
PAGE = 50


def add_routes(app: Flask, gate: Gate, snapshots: Snapshots) -> None:
    """Add every `Route` to MLflow's Flask app; its login runs before each of them."""
    views = {route: partial(view, gate) for route, view in _VIEWS.items()}
    views[Route.SNAPSHOT] = partial(_hand_in, snapshots)
    for route in Route:
        answer = _answering(views[route])
        rule = handlers._add_static_prefix(route.path)
        app.add_url_rule(rule, f"handrail_{route.name.lower()}", answer, methods=[route.method])


def _open_request(gate: Gate) -> Response:
    """Open a promotion request, or return the existing one about the same subject."""
    fields = _body("model", "version", "alias", "reason", "evidence", "snapshot")
    content, files = read_evidence(fields.get("evidence"))
    opening = Opening(
        model=_text(fields, "model"),
        version=_version(fields),
        alias=_text(fields, "alias"),
        reason=_text(fields, "reason"),
        evidence=content,
        files=files,
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
    fields = _body("model", "alias", "reason")
    model = _text(fields, "model")
    require_model(model, "can_update", "Adopting what an alias points at")
    view = gate.adopt(model, _text(fields, "alias"), _text(fields, "reason"), account())
    return _json(view.to_json(), 201 if view.is_new else 200)


def _requests(gate: Gate) -> Response:
    """Return one request by id with its evidence, or a list."""
    wanted = _query("id", "alias", "state", "after", "limit")
    if "id" in wanted:
        view = gate.request(wanted["id"])
        require_model(view.history.request.subject.model, "can_read", "Reading this request")
        return _json(view.to_json() | {"evidence_content": gate.records.evidence(wanted["id"])})
    if wanted.get("state", "open") != "open":
        raise InvalidInput("state", f"{wanted['state']!r} is unknown", "Ask for state=open, or leave it out.")
    after, most = _number(wanted, "after", 0, 10**12), _number(wanted, "limit", PAGE, PAGE)
    views, on = gate.page(after, most, alias=wanted.get("alias"), only_open="state" in wanted)
    readable = cache(partial(may, level="can_read"))
    rows = [view.to_json() for view in views if readable(view.history.request.subject.model)]
    return _json({"requests": rows} | ({"next": str(on)} if on is not None else {}))


def _decide(gate: Gate) -> Response:
    """Record the decision of the account that is logged in."""
    fields = _body("request_id", "decision", "reason")
    choice = _text(fields, "decision")
    if choice not in list(Choice):
        raise InvalidInput("decision", f"{choice!r} is not a decision", "Send 'approve' or 'reject'.")
    request_id = _text(fields, "request_id")
    require_model(gate.records.model_of(request_id), "can_read", "Deciding about this request")
    view = gate.decide(request_id, account(), Choice(choice), _text(fields, "reason"))
    return _json(view.to_json())


def _permit(gate: Gate) -> Response:
    """Return the signed permit for a use, the newest one or that for a tree."""
    wanted = _query("server", "model", "alias", "environment", "digest")
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
    fields = _body("request_id", "reason")
    request_id = _text(fields, "request_id")
    require_model(gate.records.model_of(request_id), "can_read", "Revoking this permit")
    gate.revoker.revoke(request_id, account(), _text(fields, "reason"))
    return _json(gate.request(request_id).to_json())


def _revocations(gate: Gate) -> Response:
    """Return the signed list of permits that were taken back."""
    _query()
    return Response(gate.revoker.envelope(), mimetype="application/vnd.dsse.envelope.v1+json")


def _hand_in(snapshots: Snapshots) -> Response:
    """Keep labelled rows, sent as the whole body, on which versions of a model can be measured."""
    # A form cannot be of this type, so another site's page cannot send it with the browser's own login.
    if request.mimetype != SNAPSHOT_TYPE:
        detail = f"Content-Type: {request.mimetype!r} is not {SNAPSHOT_TYPE}. Send the bytes of a Parquet file."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    model = _query("model").get("model", "")
    require_model(model, "can_update", "Handing in labelled rows")
    request.max_content_length = None
    digest = snapshots.keep(cast("BinaryIO", request.stream), account(), system_time())
    return _json({"snapshot": digest}, 201)


_VIEWS: Mapping[Route, Callable[[Gate], Response]] = {
    Route.OPEN_REQUEST: _open_request,
    Route.ADOPT: _adopt,
    Route.REQUESTS: _requests,
    Route.DECIDE: _decide,
    Route.REVOKE: _revoke,
    Route.REVOCATIONS: _revocations,
    Route.PERMIT: _permit,
}


def _answering(view: Callable[[], Response]) -> Callable[[], Response]:
    def answer() -> Response:
        try:
            refuse_foreign_pages()
            return view()
        except HandrailError as err:
            status = status_of(err, in_body=request.method == "POST")
            return _problem(Rejection(status, str(err)), members_of(err))
        except RequestEntityTooLarge:
            less = "Send less evidence."
            error = InvalidInput("body", f"it is larger than {MAX_BODY_BYTES:,} bytes", less)
            return _problem(too_large(MAX_BODY_BYTES, less), members_of(error))
        except Rejection as rejection:
            return _problem(rejection, {"field": "Content-Type"})

    return answer


def _problem(rejection: Rejection, members: dict[str, Any]) -> Response:
    request_id = request.headers.get("X-Request-Id") or uuid.uuid4().hex
    document = problem(rejection.status, rejection.detail, request_id, **members)
    return Response(document, int(rejection.status), rejection.headers, mimetype=MEDIA_TYPE)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")


def _query(*known: str) -> dict[str, str]:
    _only_known(dict(request.args), known)
    return dict(request.args)


def _number(wanted: dict[str, str], name: str, default: int, most: int) -> int:
    text = wanted.get(name, str(default))
    if not re.fullmatch("[0-9]{1,12}", text) or not 0 <= int(text) <= most:
        raise InvalidInput(name, f"{text!r:.80} is not a number up to {most:,}", "Send the one that came as next.")
    return int(text)


def _body(*known: str) -> dict[str, Any]:
    # Only JSON: a form could be sent by another site's page with the browser's own login.
    if not request.is_json:
        detail = f"Content-Type: {request.mimetype!r} is not JSON. Send application/json."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    request.max_content_length = MAX_BODY_BYTES
    try:
        fields = json.loads(request.get_data(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("body", f"it is not JSON: {err}", "Send one JSON object.") from err
    if not isinstance(fields, dict):
        raise InvalidInput("body", "it is not a JSON object", "Send one JSON object.")
    _only_known(fields, known)
    return fields


def _only_known(fields: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in fields:
        if name not in known:
            raise InvalidInput(name, "it is unknown here", f"Send only: {', '.join(known)}.")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _text(fields: dict[str, Any], name: str) -> str:
    return plain_text(name, fields.get(name))


def _version(fields: dict[str, Any]) -> str:
    value = fields.get("version")
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value)):
        raise InvalidInput("version", f"{value!r:.80} is not a version number", "Send a whole number.")
    return str(value)
