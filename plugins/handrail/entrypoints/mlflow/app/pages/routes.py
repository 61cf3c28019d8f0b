"""Adds every page of the console to MLflow's Flask app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Flask
from mlflow.server import handlers

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.mlflow.app.pages import (
    aliases,
    deployments,
    findings,
    leaving,
    lineage,
    log,
    requests,
    rows,
    rules,
    urgent,
)
from handrail.entrypoints.mlflow.app.pages.answers import lead_back, nowhere, page_view, send_static
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.refusals import Refusals
from handrail.entrypoints.mlflow.app.surface import RouteLine

VIEWS: Mapping[Address, tuple[Any, Address]] = {
    Address.INBOX: (requests.inbox, Address.INBOX),
    Address.REQUESTS: (requests.listed, Address.INBOX),
    Address.REQUEST: (requests.shown, Address.INBOX),
    Address.DECIDE: (requests.decide, Address.INBOX),
    Address.ANSWER: (requests.answer, Address.INBOX),
    Address.RENEW: (requests.renew, Address.INBOX),
    Address.TIMELINES: (aliases.timelines, Address.TIMELINES),
    Address.TIMELINE: (aliases.timeline, Address.TIMELINES),
    Address.ROLL_BACK: (urgent.roll_back, Address.TIMELINES),
    Address.BREAK_GLASS: (urgent.break_glass, Address.TIMELINES),
    Address.ROWS: (rows.listed, Address.RULES),
    Address.SNAPSHOT: (rows.snapshot, Address.RULES),
    Address.CONFIRM_ROWS: (rows.confirm, Address.RULES),
    Address.FINDINGS: (findings.findings, Address.FINDINGS),
    Address.OPEN_FINDING: (findings.open_finding, Address.FINDINGS),
    Address.CLOSE_FINDING: (findings.close_finding, Address.FINDINGS),
    Address.RULES: (rules.rules, Address.RULES),
    Address.PROPOSE_RULES: (rules.propose, Address.RULES),
    Address.RULE_CHANGE: (rules.change, Address.RULES),
    Address.DECIDE_RULES: (rules.decide, Address.RULES),
    Address.LOG: (log.log, Address.LOG),
    Address.NOWHERE: (nowhere, Address.NOWHERE),
    Address.LEAVE: (leaving.leave, Address.NOWHERE),
    Address.TRACE: (lineage.trace, Address.TRACE),
    Address.IMPACT: (lineage.impact, Address.IMPACT),
    Address.FEEDBACK: (deployments.feedback, Address.FEEDBACK),
    Address.DEPLOYMENTS: (deployments.deployments, Address.DEPLOYMENTS),
    Address.HEALTH: (deployments.health, Address.HEALTH),
}
"""What answers each address, and the entry of the menu that it belongs to."""


def page_lines() -> set[RouteLine]:
    """Return the lines of the pages as the server's table of routes writes them."""
    return {RouteLine(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in (*VIEWS, Address.STATIC)}


def add_pages(app: Flask, desk: PageDesk, refusals: Refusals) -> None:
    """Add the pages; MLflow's login runs before each of them."""
    for address, (view, here) in VIEWS.items():
        answer = page_view(desk, refusals, here, partial(view, desk))
        _add(app, address, answer)
        if address.method == "POST":
            _add(app, address, page_view(desk, refusals, here, lambda **_segments: lead_back()), "GET")
    _add(app, Address.STATIC, send_static)


def _add(app: Flask, address: Address, answer: Any, method: str = "") -> None:
    rule = re.sub(r"\{(\w+)\}", r"<\1>", address.path)
    name = f"handrail_page_{address.name.lower()}{method.lower()}"
    app.add_url_rule(handlers._add_static_prefix(rule), name, answer, methods=[method or address.method])
