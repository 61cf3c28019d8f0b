"""Findings over HTTP: who may open, see and close them is for the gate and MLflow's own permissions to say."""

from __future__ import annotations

import json
from functools import cache, partial

from flask import Response

from handrail.approvals import Finding, Gate, Report, Severity
from handrail.entrypoints.mlflow.app.messages import read_body, read_query, read_text, read_version
from handrail.entrypoints.mlflow.app.rights import account, may, require_model
from handrail.errors import InvalidInput


def open_finding(gate: Gate) -> Response:
    """Open a finding as the account that is logged in."""
    fields = read_body("model", "text", "severity", "version", "alias")
    severity = read_text(fields, "severity")
    if severity not in list(Severity):
        raise InvalidInput("severity", f"{severity!r} is none", f"Send one of {', '.join(Severity)}.")
    report = Report(
        model=read_text(fields, "model"),
        text=read_text(fields, "text"),
        severity=Severity(severity),
        version=None if fields.get("version") is None else read_version(fields),
        alias=None if fields.get("alias") is None else read_text(fields, "alias"),
    )
    require_model(report.model, "can_read", "Opening a finding")
    return _answer(gate.findings.open(report, account()), 201)


def close_finding(gate: Gate) -> Response:
    """Close a finding as the account that is logged in."""
    fields = read_body("finding_id", "reason")
    found = gate.findings.found(read_text(fields, "finding_id"))
    require_model(found.opened.model, "can_read", "Closing this finding")
    return _answer(gate.findings.close(found.opened.finding_id, account(), read_text(fields, "reason")))


def findings(gate: Gate) -> Response:
    """Return the findings about the models that the account may read."""
    wanted = read_query("model", "state")
    if wanted.get("state", "open") != "open":
        raise InvalidInput("state", f"{wanted['state']!r} is unknown", "Ask for state=open, or leave it out.")
    readable = cache(partial(may, level="can_read"))
    found = gate.findings.listed(wanted.get("model"), only_open="state" in wanted)
    rows = [finding.to_json() for finding in found if readable(finding.opened.model)]
    return Response(json.dumps({"findings": rows}), mimetype="application/json")


def _answer(finding: Finding, status: int = 200) -> Response:
    return Response(json.dumps(finding.to_json()), status=status, mimetype="application/json")
