"""The console's pages under `handrail serve`: reading only, for whoever has a token that may ask.

It is pasted once into the login page; then a cookie counts. Every page is JSON too, also for who sends the token.
"""

# FastAPI reads the annotations at run time, so they stay real.

import time
from collections.abc import Callable, Mapping
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.console.addresses import PREFIX, Address
from handrail.entrypoints.console.deployments_page import deployments_page
from handrail.entrypoints.console.error_page import nothing_here
from handrail.entrypoints.console.feedback_page import feedback_page
from handrail.entrypoints.console.health_page import health_page
from handrail.entrypoints.console.impact_page import ask_page as ask_for_impact
from handrail.entrypoints.console.impact_page import impact_page
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.start_page import start_page
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.console.trace_page import AddressOf, ask_page, trace_page
from handrail.entrypoints.http.console_answers import see, send_static
from handrail.entrypoints.http.console_desk import ServeDesk, check_name, respond, send_error
from handrail.entrypoints.http.console_logins import ask_to_log_in, log_in_route, log_out_route, login_route
from handrail.entrypoints.http.console_requests import (
    page_meant,
    read_query,
)
from handrail.entrypoints.http.console_sessions import Sessions, Tries
from handrail.entrypoints.http.proxies import read_proxies
from handrail.errors import HandrailError, MissingTool
from handrail.lineage import Access, Lineage

try:
    from fastapi import FastAPI, Request
    from starlette.responses import Response
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

NOBODY = "Nobody is logged in. Send Authorization: Bearer <token>, or log in at /handrail/login."
WRONG = "That is not a token of this server, or it was revoked."
MOST_QUERY = 2048


View = Callable[[ServeDesk, Request], Page]


def _start(desk: ServeDesk, request: Request) -> Page:
    q = read_query(request, "q")["q"][:MOST_QUERY]
    return start_page(desk.platform, desk.lineage, q, _addresses(request))


def _trace(desk: ServeDesk, request: Request) -> Page:
    q = read_query(request, "q")["q"][:MOST_QUERY]
    if not q:
        return ask_page()
    return trace_page(desk.platform, desk.lineage, q, _addresses(request), Pages.of(desk.platform.settings))


def _impact(desk: ServeDesk, request: Request) -> Page:
    q = read_query(request, "q")["q"][:MOST_QUERY]
    return impact_page(desk.platform, desk.lineage, q, _addresses(request)) if q else ask_for_impact()


def _addresses(request: Request) -> AddressOf:
    """Return what gives the page of a thing: its own trace, as there are no requests here."""
    base = request.scope.get("root_path", "")
    return lambda uri: Address.TRACE.to(base, {"q": uri})


def _deployments(desk: ServeDesk, request: Request) -> Page:
    return deployments_page(desk.platform, desk.lineage, read_query(request, "service")["service"])


def _feedback(desk: ServeDesk, request: Request) -> Page:
    asked = read_query(request, "model", "kind", "as_of", "rows")
    return feedback_page(desk.platform, asked["model"], asked["kind"], asked["as_of"], rows=asked["rows"])


def _health(desk: ServeDesk, request: Request) -> Page:
    asked = read_query(request, "service", "over")
    return health_page(desk.platform, asked["service"], asked["over"])


VIEWS: Mapping[Address, tuple[str, View]] = {
    Address.INBOX: ("Search", _start),
    Address.TRACE: ("Trace", _trace),
    Address.IMPACT: ("Impact", _impact),
    Address.FEEDBACK: ("Feedback", _feedback),
    Address.DEPLOYMENTS: ("Deployments", _deployments),
    Address.HEALTH: ("Health", _health),
}
"""What answers each address, with its name in the menu."""
PLACES = tuple((address, name) for address, (name, _) in VIEWS.items())


def add_console(app: FastAPI, platform: Platform, lineage: Lineage, access: Access) -> None:
    """Add the pages, the login and the way to them; nobody sees a page without a login."""
    sessions = Sessions(access)
    proxies = read_proxies("lineage_trusted_proxies", platform.settings.lineage_trusted_proxies)
    desk = ServeDesk(platform, lineage, sessions, Forms(sessions.secret), Tries(time.monotonic), proxies, PLACES)
    for address, (_, view) in VIEWS.items():
        _add(app, address, _page_route(desk, address, view))
    _add(app, Address.LOGIN, login_route(desk))
    _add(app, Address.LOG_IN, log_in_route(desk))
    _add(app, Address.LOG_OUT, log_out_route(desk))
    _add(app, Address.STATIC, send_static)
    # The last one: what no page has, and what only a form may be sent to.
    app.add_api_route(f"{PREFIX}/{{rest:path}}", _nowhere(desk), methods=["GET", "HEAD"], include_in_schema=False)
    for path in ("/", PREFIX):
        app.add_api_route(path, _to_start, methods=["GET", "HEAD"], include_in_schema=False)


def _add(app: FastAPI, address: Address, route: Callable[..., Any]) -> None:
    methods = ["GET", "HEAD"] if address.method == "GET" else [address.method]
    app.add_api_route(address.path, route, methods=methods, include_in_schema=False)


def _to_start(request: Request) -> Response:
    return see(Address.INBOX.to(request.scope.get("root_path", "")))


def _page_route(desk: ServeDesk, here: Address, view: View) -> Callable[..., Any]:
    def page(request: Request) -> Response:
        session = None
        try:
            check_name(desk, request)
            session = desk.session(request)
            if session is None:
                return ask_to_log_in(request)
            return respond(desk, request, view(desk, request), here, session)
        except HandrailError as err:
            return send_error(desk, request, here, session, err)

    return page


def _nowhere(desk: ServeDesk) -> Callable[[Request], Response]:
    page = _page_route(desk, Address.NOWHERE, lambda _desk, request: nothing_here(request.scope["path"][:200]))

    def nowhere(request: Request) -> Response:
        meant = page_meant(request.scope["path"], (*VIEWS, Address.LOGIN))
        return see(request.scope.get("root_path", "") + meant) if meant else page(request)

    return nowhere
