"""The console's pages under `handrail serve`: reading only, for whoever has a token that may ask.

It is pasted once into the login page; then a cookie counts. Every page is JSON too, also for who sends the token.
"""

# FastAPI reads the annotations at run time, so they stay real.

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.entrypoints.console.addresses import PREFIX, Address
from handrail.entrypoints.console.deployments_page import deployments_page
from handrail.entrypoints.console.error_page import error_page, nothing_here
from handrail.entrypoints.console.feedback_page import feedback_page
from handrail.entrypoints.console.impact_page import ask_page as ask_for_impact
from handrail.entrypoints.console.impact_page import impact_page
from handrail.entrypoints.console.pages import HEADERS, Frame, Page, render
from handrail.entrypoints.console.start_page import start_page
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.console.trace_page import AddressOf, ask_page, trace_page
from handrail.entrypoints.http.auth import CHALLENGE
from handrail.entrypoints.http.console_answers import see, send_static, set_cookie
from handrail.entrypoints.http.console_requests import (
    check_host,
    check_own_page,
    page_meant,
    peer_of,
    question_of,
    read_form,
    read_query,
    wants_json,
)
from handrail.entrypoints.http.console_sessions import COOKIE, GOOD_FOR, Session, Sessions, Tries
from handrail.entrypoints.http.problems import Rejection, members_of, status_of
from handrail.entrypoints.http.proxies import Proxies, read_proxies
from handrail.errors import HandrailError, MissingTool, Refused
from handrail.lineage import Access, Lineage

try:
    from fastapi import FastAPI, Request
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    from handrail.entrypoints.http.apps import answer
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

OWN_NAMES = ("localhost",)
NOBODY = "Nobody is logged in. Send Authorization: Bearer <token>, or log in at /handrail/login."
WRONG = "That is not a token of this server, or it was revoked."
MOST_QUERY = 2048


@dataclass(frozen=True, slots=True)
class ServeDesk:
    """What the pages read, who may come in, and the secret of forms."""

    platform: Platform
    lineage: Lineage
    sessions: Sessions
    forms: Forms
    tries: Tries
    proxies: Proxies

    def session(self, request: Request) -> Session | None:
        """Return who asks: by the cookie of a login, or by a token in the header.

        Raises:
            OutOfScope: the token may not ask.
        """
        if cookie := request.cookies.get(COOKIE):
            return self.sessions.read(cookie, system_time())
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        record = self.sessions.access.find(token.strip()) if scheme.lower() == "bearer" and token else None
        if record is None:
            return None
        record.scope.check_question(record.holder)
        return Session(record, "")

    def is_encrypted(self, request: Request) -> bool:
        """Whether the browser speaks over an encrypted line, as the server or a proxy that it trusts sees it."""
        return self.proxies.is_encrypted(peer_of(request), request.url.scheme, request.headers)

    def frame(self, request: Request, here: Address, session: Session | None) -> Frame:
        """Return the frame of a page."""
        now, base = system_time(), request.scope.get("root_path", "")
        server = f"{self.platform.settings.environment}, lineage"
        if session is None:
            return Frame(now, "", ("not logged in",), server, base, here)
        named = Frame(now, session.record.holder.rpartition("/")[2], ("reads only",), server, base, here, PLACES)
        if not session.mark:
            return named
        token = self.forms.token(session.mark, "logout", now)
        return Frame(
            now, named.me, named.roles, server, base, here, PLACES, leave=Address.LOG_OUT.to(base), token=token
        )


View = Callable[[ServeDesk, Request], Page]


def _start(desk: ServeDesk, request: Request) -> Page:
    return start_page(desk.lineage, read_query(request, "q")["q"][:MOST_QUERY])


def _trace(desk: ServeDesk, request: Request) -> Page:
    q = read_query(request, "q")["q"][:MOST_QUERY]
    return trace_page(desk.platform, desk.lineage, q, _addresses(request)) if q else ask_page()


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


VIEWS: Mapping[Address, tuple[str, View]] = {
    Address.INBOX: ("Search", _start),
    Address.TRACE: ("Trace", _trace),
    Address.IMPACT: ("Impact", _impact),
    Address.FEEDBACK: ("Feedback", _feedback),
    Address.DEPLOYMENTS: ("Deployments", _deployments),
}
"""What answers each address, with its name in the menu."""
PLACES = tuple((address, name) for address, (name, _) in VIEWS.items())


def add_console(app: FastAPI, platform: Platform, lineage: Lineage, access: Access) -> None:
    """Add the pages, the login and the way to them; nobody sees a page without a login."""
    sessions = Sessions(access)
    proxies = read_proxies("lineage_trusted_proxies", platform.settings.lineage_trusted_proxies)
    desk = ServeDesk(platform, lineage, sessions, Forms(sessions.secret), Tries(time.monotonic), proxies)
    for address, (_, view) in VIEWS.items():
        _add(app, address, _page_route(desk, address, view))
    _add(app, Address.LOGIN, _login_route(desk))
    _add(app, Address.LOG_IN, _log_in_route(desk))
    _add(app, Address.LOG_OUT, _log_out_route(desk))
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
            _check_name(desk, request)
            session = desk.session(request)
            if session is None:
                return _ask_to_log_in(request)
            return _respond(desk, request, view(desk, request), here, session)
        except HandrailError as err:
            return _error(desk, request, here, session, err)

    return page


def _nowhere(desk: ServeDesk) -> Callable[[Request], Response]:
    page = _page_route(desk, Address.NOWHERE, lambda _desk, request: nothing_here(request.scope["path"][:200]))

    def nowhere(request: Request) -> Response:
        meant = page_meant(request.scope["path"], (*VIEWS, Address.LOGIN))
        return see(request.scope.get("root_path", "") + meant) if meant else page(request)

    return nowhere


def _login_route(desk: ServeDesk) -> Callable[..., Any]:
    def login(request: Request) -> Response:
        try:
            _check_name(desk, request)
            wanted = read_query(request, "next")["next"]
        except HandrailError as err:
            return _error(desk, request, Address.LOGIN, None, err)
        return _login_page(desk, request, wanted)

    return login


def _log_in_route(desk: ServeDesk) -> Callable[..., Any]:
    async def log_in(request: Request) -> Response:
        who = desk.proxies.caller(peer_of(request), request.headers)
        try:
            _check_name(desk, request)
            check_own_page(request)
            form = await read_form(request, "secret", "next", "token")
            desk.forms.check(form["token"], "", "login", system_time())
            if wait := desk.tries.wait_s(who, form["secret"]):
                said = f"Too many such tokens came from this address. Try again in {wait} seconds."
                return _login_page(desk, request, form["next"], said, 429, ("Retry-After", str(wait)))
            cookie = await run_in_threadpool(desk.sessions.begin, form["secret"], system_time())
        except HandrailError as err:
            return _error(desk, request, Address.LOGIN, None, err)
        if cookie is None:
            desk.tries.failed(who, form["secret"])
            return _login_page(desk, request, form["next"], WRONG, 401, CHALLENGE)
        answered = see(_inside(request, form["next"]))
        set_cookie(request, answered, cookie, int(GOOD_FOR.total_seconds()), secure=desk.is_encrypted(request))
        return answered

    return log_in


def _log_out_route(desk: ServeDesk) -> Callable[..., Any]:
    async def log_out(request: Request) -> Response:
        try:
            _check_name(desk, request)
            check_own_page(request)
            form = await read_form(request, "token")
            session = await run_in_threadpool(desk.session, request)
            if session is not None:
                desk.forms.check(form["token"], session.mark, "logout", system_time())
                desk.sessions.end(session, system_time())
        except HandrailError as err:
            return _error(desk, request, Address.LOGIN, None, err)
        answered = see(Address.LOGIN.to(request.scope.get("root_path", "")))
        set_cookie(request, answered, "", 0, secure=desk.is_encrypted(request))
        return answered

    return log_out


def _check_name(desk: ServeDesk, request: Request) -> None:
    settings = desk.platform.settings
    check_host(request, (*OWN_NAMES, settings.host, *settings.allowed_hosts))


def _login_page(
    desk: ServeDesk, request: Request, wanted: str, problem: str = "", status: int = 200, *headers: tuple[str, str]
) -> Response:
    token = desk.forms.token("", "login", system_time())
    page = Page("login.html", "Log in to ask lineage", {"problem": problem}, status, {"token": token, "next": wanted})
    answered = _respond(desk, request, page, Address.LOGIN, None)
    answered.headers.update(dict(headers))
    return answered


def _ask_to_log_in(request: Request) -> Response:
    if wants_json(request):
        return answer(request, Rejection(HTTPStatus.UNAUTHORIZED, NOBODY, (CHALLENGE, *HEADERS)))
    base, path = request.scope.get("root_path", ""), request.scope["path"]
    asked = f"{path}?{request.url.query}" if request.url.query else path
    return see(Address.LOGIN.to(base, {"next": asked} if path != Address.INBOX.path or request.url.query else None))


def _inside(request: Request, wanted: str) -> str:
    """Return where to go after a login: the page that was asked for, if it is one of this server."""
    base, path = request.scope.get("root_path", ""), wanted.partition("?")[0]
    known = any(address.path == path for address in VIEWS) and wanted.isascii() and wanted.isprintable()
    return base + (wanted if known else Address.INBOX.path)


def _respond(desk: ServeDesk, request: Request, page: Page, here: Address, session: Session | None) -> Response:
    headers = dict(HEADERS) | {"Vary": "Accept, Cookie"}
    if wants_json(request):
        body, kind = json.dumps(page.facts, ensure_ascii=False, default=str), "application/json"
    else:
        body, kind = render(page, desk.frame(request, here, session)), "text/html; charset=utf-8"
    return Response(body, page.status, headers, kind)


def _error(desk: ServeDesk, request: Request, here: Address, session: Session | None, error: HandrailError) -> Response:
    status = status_of(error, in_body=request.method == "POST")
    if wants_json(request):
        return answer(request, Rejection(status, str(error), HEADERS), **members_of(error))
    # A host that this server does not have gets no page.
    if isinstance(error, Refused) and session is None:
        return Response(str(error), int(status), dict(HEADERS), "text/plain; charset=utf-8")
    return _respond(desk, request, error_page(error, int(status), question_of(request, here)), here, session)
