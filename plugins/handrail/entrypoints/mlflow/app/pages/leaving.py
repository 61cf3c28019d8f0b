"""Logging out where the browser itself holds the password: it forgets one that the server answers with 401."""

from __future__ import annotations

from flask import Response, request

from handrail.clock import system_time
from handrail.entrypoints.console.addresses import PREFIX, Address
from handrail.entrypoints.console.pages import HEADERS, Frame, Page, render
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.answers import base_of, see
from handrail.entrypoints.mlflow.app.pages.desk import LEAVE, PageDesk
from handrail.errors import Refused

LEFT = "handrail_left"
"""The cookie that says by which link a browser logged out: the same link with a password again is a new login."""
KEPT_FOR_S = 600
CHALLENGE = ("WWW-Authenticate", 'Basic realm="mlflow"')
"""MLflow's own: a browser keeps a password by server and realm."""


def leave(desk: PageDesk) -> Response:
    """Refuse the password once, so that the browser forgets it; who logs in again then comes to the first page."""
    token = read_query("token").get("token", "")
    first = see(Address.INBOX.to(base_of()))
    if request.cookies.get(LEFT) == token:
        first.delete_cookie(LEFT, path=base_of() + PREFIX)
        return first
    try:
        desk.check(token, LEAVE)
    except Refused:  # somebody else has logged in, or another site's page sent the browser here
        return first
    title, then = "You are logged out.", "Close this window, or go to the first page to log in, also as somebody else."
    facts = {"title": title, "sentences": [then], "kind": "info", "close": [], "again": None}
    frame = Frame(system_time(), "", ("not logged in",), desk.server, base_of(), Address.NOWHERE)
    body = render(Page("error.html", title, facts, 401), frame)
    answered = Response(body, 401, [*HEADERS, CHALLENGE], content_type="text/html; charset=utf-8")
    path = base_of() + PREFIX
    answered.set_cookie(LEFT, token, KEPT_FOR_S, path=path, secure=request.is_secure, httponly=True, samesite="Strict")
    return answered
