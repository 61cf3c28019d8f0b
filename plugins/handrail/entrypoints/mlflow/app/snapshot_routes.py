"""Labelled rows over HTTP: hand in, look at, confirm. Who may confirm is for the gate to say."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, BinaryIO, cast

from flask import Response, request

from handrail.approvals import Gate, PredictionDesk, Snapshots
from handrail.clock import system_time
from handrail.entrypoints.http.problems import Rejection
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest
from handrail.entrypoints.mlflow.app.messages import read_body, read_query, read_text, read_version
from handrail.entrypoints.mlflow.app.rights import account, require_model, require_sources

SNAPSHOT_TYPE = "application/vnd.apache.parquet"


def hand_in(snapshots: Snapshots) -> Response:
    """Keep labelled rows, sent as the whole body, on which versions of a model can be measured."""
    _require_parquet()
    model = read_query("model").get("model", "")
    require_model(model, "can_update", "Handing in labelled rows")
    request.max_content_length = None
    digest = snapshots.keep(cast("BinaryIO", request.stream), model, account(), system_time())
    return _json({"snapshot": digest}, 201)


def commit(predictions: PredictionDesk) -> Response:
    """Keep predictions of a version, sent as the whole body, and log that they were here before their outcome."""
    _require_parquet()
    wanted, action = read_query("model", "version"), "Committing predictions"
    model, version = read_text(wanted, "model"), read_version(wanted)
    require_model(model, "can_update", action)
    require_sources(model, version, action)
    request.max_content_length = None
    return _json(predictions.commit(cast("BinaryIO", request.stream), model, version, account()).to_json(), 201)


def snapshots(gate: Gate) -> Response:
    """Return what was handed in for a model, or one snapshot with what it holds."""
    wanted = read_query("model", "snapshot")
    model = read_text(wanted, "model")
    require_model(model, "can_read", "Looking at labelled rows")
    if "snapshot" in wanted:
        return _json(gate.snapshots.shown(model, read_digest(wanted["snapshot"], "snapshot")).to_json())
    return _json({"snapshots": [view.to_json() for view in gate.snapshots.listed(model)]})


def confirm(gate: Gate) -> Response:
    """Confirm labelled rows as the account that is logged in."""
    fields = read_body("model", "snapshot")
    model = read_text(fields, "model")
    require_model(model, "can_read", "Confirming labelled rows")
    view = gate.snapshots.confirm(model, read_digest(fields.get("snapshot"), "snapshot"), account())
    return _json(view.to_json())


def _require_parquet() -> None:
    # A form cannot be of this type, so another site's page cannot send it with the browser's own login.
    if request.mimetype != SNAPSHOT_TYPE:
        detail = f"Content-Type: {request.mimetype!r} is not {SNAPSHOT_TYPE}. Send the bytes of a Parquet file."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
