"""The login of the pages under `handrail serve`: a token is pasted once, then a cookie counts until it is ended."""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.pages import HEADERS, Page
from handrail.entrypoints.http.auth import CHALLENGE
from handrail.entrypoints.http.console_answers import see, set_cookie
from handrail.entrypoints.http.console_desk import ServeDesk, check_name, respond, send_error
from handrail.entrypoints.http.console_requests import check_own_page, peer_of, read_form, read_query, wants_json
from handrail.entrypoints.http.console_sessions import GOOD_FOR
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import HandrailError, MissingTool

try:
    from fastapi import Request
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    from handrail.entrypoints.http.apps import answer
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

NOBODY = "Nobody is logged in. Send Authorization: Bearer <token>, or log in at /handrail/login."
WRONG = "That is not a token of this server, or it was revoked."


def login_route(desk: ServeDesk) -> Callable[..., Any]:
    """Return what answers with the login page."""

    def login(request: Request) -> Response:
        try:
            check_name(desk, request)
            wanted = read_query(request, "next")["next"]
        except HandrailError as err:
            return send_error(desk, request, Address.LOGIN, None, err)
        return _login_page(desk, request, wanted)

    return login


def log_in_route(desk: ServeDesk) -> Callable[..., Any]:
    """Return what takes a token and begins a session; guesses are slowed down."""

    async def log_in(request: Request) -> Response:
        who = desk.proxies.caller(peer_of(request), request.headers)
        try:
            check_name(desk, request)
            check_own_page(request)
            form = await read_form(request, "secret", "next", "token")
            desk.forms.check(form["token"], "", "login", system_time())
            if wait := desk.tries.wait_s(who, form["secret"]):
                said = f"Too many such tokens came from this address. Try again in {wait} seconds."
                return _login_page(desk, request, form["next"], said, 429, ("Retry-After", str(wait)))
            cookie = await run_in_threadpool(desk.sessions.begin, form["secret"], system_time())
        except HandrailError as err:
            return send_error(desk, request, Address.LOGIN, None, err)
        if cookie is None:
            desk.tries.failed(who, form["secret"])
            return _login_page(desk, request, form["next"], WRONG, 401, CHALLENGE)
        answered = see(_inside(desk, request, form["next"]))
        set_cookie(request, answered, cookie, int(GOOD_FOR.total_seconds()), secure=desk.is_encrypted(request))
        return answered

    return log_in


def log_out_route(desk: ServeDesk) -> Callable[..., Any]:
    """Return what ends a session, by a form of its own pages."""

    async def log_out(request: Request) -> Response:
        try:
            check_name(desk, request)
            check_own_page(request)
            form = await read_form(request, "token")
            session = await run_in_threadpool(desk.session, request)
            if session is not None:
                desk.forms.check(form["token"], session.mark, "logout", system_time())
                desk.sessions.end(session, system_time())
        except HandrailError as err:
            return send_error(desk, request, Address.LOGIN, None, err)
        answered = see(Address.LOGIN.to(request.scope.get("root_path", "")))
        set_cookie(request, answered, "", 0, secure=desk.is_encrypted(request))
        return answered

    return log_out


def _login_page(
    desk: ServeDesk, request: Request, wanted: str, problem: str = "", status: int = 200, *headers: tuple[str, str]
) -> Response:
    token = desk.forms.token("", "login", system_time())
    page = Page("login.html", "Log in to ask lineage", {"problem": problem}, status, {"token": token, "next": wanted})
    answered = respond(desk, request, page, Address.LOGIN, None)
    answered.headers.update(dict(headers))
    return answered


def ask_to_log_in(request: Request) -> Response:
    """Lead a person to the login and back to where they were; a program gets a problem."""
    if wants_json(request):
        return answer(request, Rejection(HTTPStatus.UNAUTHORIZED, NOBODY, (CHALLENGE, *HEADERS)))
    base, path = request.scope.get("root_path", ""), request.scope["path"]
    asked = f"{path}?{request.url.query}" if request.url.query else path
    return see(Address.LOGIN.to(base, {"next": asked} if path != Address.INBOX.path or request.url.query else None))


def _inside(desk: ServeDesk, request: Request, wanted: str) -> str:
    """Return where to go after a login: the page that was asked for, if it is one of this server."""
    base, path = request.scope.get("root_path", ""), wanted.partition("?")[0]
    known = any(address.path == path for address, _ in desk.places) and wanted.isascii() and wanted.isprintable()
    return base + (wanted if known else Address.INBOX.path)
