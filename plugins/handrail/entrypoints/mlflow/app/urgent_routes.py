"""The short ways over HTTP: a rollback, and breaking the glass."""

from __future__ import annotations

import json

from flask import Response

from handrail.approvals import Gate, Opening, PersonSignature, Purpose
from handrail.entrypoints.mlflow.app.messages import read_body, read_text, read_version
from handrail.entrypoints.mlflow.app.rights import account, require_model
from handrail.entrypoints.mlflow.app.signature_bodies import read_signature


def roll_back(gate: Gate) -> Response:
    """Open a request to go back to a version that the gate promoted before."""
    opening, _ = _opening(Purpose.ROLLBACK)
    require_model(opening.model, "can_update", "Asking for a rollback")
    view = gate.open_request(opening, account())
    return Response(json.dumps(view.to_json()), status=201 if view.is_new else 200, mimetype="application/json")


def break_glass(gate: Gate) -> Response:
    """Move an alias at once, by the word of the account that is logged in."""
    opening, signature = _opening(Purpose.BREAK_GLASS, "signature")
    require_model(opening.model, "can_read", "Breaking the glass")
    broken, confirmation = gate.glass.break_glass(opening, account(), signature)
    row = broken.to_json() | {"confirmation": confirmation.history.request.request_id}
    return Response(json.dumps(row), mimetype="application/json")


def _opening(purpose: Purpose, *more: str) -> tuple[Opening, PersonSignature | None]:
    fields = read_body("model", "version", "alias", "reason", *more)
    model, alias, reason = (read_text(fields, name) for name in ("model", "alias", "reason"))
    return Opening(model, read_version(fields), alias, reason, {}, purpose=purpose), read_signature(fields)
