"""The page of findings, and the forms that open and close them."""

from __future__ import annotations

from typing import Any

from flask import Response

from handrail.approvals import Finding, Report, Severity
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import sentence_of
from handrail.entrypoints.console.findings_page import findings_page
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.http.problems import status_of
from handrail.entrypoints.mlflow.app.messages import read_query, read_text, read_version
from handrail.entrypoints.mlflow.app.pages.answers import base_of, not_recorded, read_form, read_words, see
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk, readable_findings
from handrail.entrypoints.mlflow.app.rights import account, may, require_model
from handrail.errors import HandrailError, InvalidInput
from handrail.monitored import ALERT, INFORMATION, read_alerts

OPEN = "open finding"
MOST_CLOSERS = 20
"""For how many open findings it is looked up whether the person may close them."""


def findings(desk: PageDesk) -> Page:
    """Return every finding about models that the account may read."""
    read_query()
    return _page(desk, {})


def open_finding(desk: PageDesk) -> Response:
    """Open a finding."""
    form = read_form("model", "version", "severity", "text", "token")
    try:
        desk.check(form["token"], OPEN)
        if form["severity"] not in list(Severity):
            raise InvalidInput("severity", f"{form['severity']!r:.40} is none", f"Send one of {', '.join(Severity)}.")
        report = Report(
            model=read_text(dict(form), "model"),
            text=read_words(form, "text", "what was found"),
            severity=Severity(form["severity"]),
            version=read_version(dict(form)) if form["version"] else None,
        )
        require_model(report.model, "can_read", "Opening a finding")
        found = desk.opened.gate.findings.open(report, account())
    except HandrailError as err:
        return _not_recorded(desk, err, form)
    return see(f"{Address.FINDINGS.to(base_of())}#{found.opened.finding_id}")


def close_finding(desk: PageDesk, finding_id: str) -> Response:
    """Close a finding with a reason."""
    form = read_form("reason", "token")
    try:
        desk.check(form["token"], _about(finding_id))
        found = desk.opened.gate.findings.found(finding_id)
        require_model(found.opened.model, "can_read", "Closing this finding")
        desk.opened.gate.findings.close(finding_id, account(), read_words(form, "reason", "why it may be closed"))
    except HandrailError as err:
        return _not_recorded(desk, err, form | {"finding_id": finding_id})
    return see(f"{Address.FINDINGS.to(base_of())}#{finding_id}")


def _not_recorded(desk: PageDesk, err: HandrailError, kept: dict[str, str]) -> Response:
    extra = {"problem": sentence_of(err), "kept": kept, "status": int(status_of(err, in_body=True))}
    return not_recorded(desk, Address.FINDINGS, err, lambda: _page(desk, extra))


def _page(desk: PageDesk, extra: dict[str, Any]) -> Page:
    gate = desk.opened.gate
    found = readable_findings(gate.findings.listed())
    waiting = [each for each in found if each.is_open][-MOST_CLOSERS:]
    closers = {
        each.opened.finding_id: desk.token(_about(each.opened.finding_id)) for each in waiting if _may(desk, each)
    }
    models = sorted({row.model for row in gate.records.aliases()} | {each.opened.model for each in found})
    names: dict[str, Any] = {"token": desk.token(OPEN), "models": [name for name in models if may(name, "can_read")]}
    home = desk.platform.settings.home
    for name, state in (("alerts", ALERT), ("information", INFORMATION)):
        names[name] = [each for each in read_alerts(home, state) if may(each.model, "can_read")]
    return findings_page(found, closers, names | extra)


def _may(desk: PageDesk, finding: Finding) -> bool:
    try:
        desk.opened.gate.findings.closer(finding, account())
    except HandrailError:
        return False
    return True


def _about(finding_id: str) -> str:
    return f"close {finding_id}"
