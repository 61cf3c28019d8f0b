"""The pages of lineage on the MLflow server, for persons whom the roles name: its paths lead through every model."""

from __future__ import annotations

import re

from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.impact_page import ask_page as ask_for_impact
from handrail.entrypoints.console.impact_page import impact_page
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.trace_page import ask_page, trace_page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.answers import base_of
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account
from handrail.errors import Refused

PERMIT = re.compile(r"pr-[0-9a-f]{20}")


def trace(desk: PageDesk) -> Page:
    """Return what led to something, or the question for its name."""
    q = read_query("q").get("q", "").strip()
    _require_person(desk)
    return trace_page(desk.platform, desk.platform.lineage, q, address_of, _mlflow(desk)) if q else ask_page()


def impact(desk: PageDesk) -> Page:
    """Return what something led to, or the question for its name."""
    q = read_query("q").get("q", "").strip()
    _require_person(desk)
    return impact_page(desk.platform, desk.platform.lineage, q, address_of) if q else ask_for_impact()


def address_of(uri: str) -> str | None:
    """Return the page of a thing: a permit's is its request, any other's is its own trace."""
    request = PERMIT.search(uri) if "permit" in uri else None
    if request:
        return Address.REQUEST.to(base_of(), request_id=request.group())
    return Address.TRACE.to(base_of(), {"q": uri})


def _mlflow(desk: PageDesk) -> Pages:
    """Return where this server itself shows things."""
    return Pages(base_of(), desk.server)


def _require_person(desk: PageDesk) -> None:
    if desk.opened.reviewing.person(account()) is None:
        reason = f"The account {account()!r} belongs to no person in the roles; have it named in config/roles.yaml."
        raise Refused("Reading lineage", (reason,))
