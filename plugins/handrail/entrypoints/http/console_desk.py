"""What the pages under `handrail serve` read, who may come in, and how they are sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import NAMES, QUESTIONS, Question, error_page, near
from handrail.entrypoints.console.pages import HEADERS, Frame, Page, render
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.http.console_requests import check_host, peer_of, question_of, wants_json
from handrail.entrypoints.http.console_sessions import COOKIE, Session, Sessions, Tries
from handrail.entrypoints.http.problems import Rejection, members_of, status_of
from handrail.entrypoints.http.proxies import Proxies
from handrail.errors import HandrailError, MissingTool, Refused, UnknownReference
from handrail.lineage import Lineage

try:
    from fastapi import Request
    from starlette.responses import Response

    from handrail.entrypoints.http.apps import answer
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

OWN_NAMES = ("localhost",)


@dataclass(frozen=True, slots=True)
class ServeDesk:
    """What the pages read, who may come in, and the secret of forms."""

    platform: Platform
    lineage: Lineage
    sessions: Sessions
    forms: Forms
    tries: Tries
    proxies: Proxies
    places: tuple[tuple[Address, str], ...]

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
        named = Frame(now, session.record.holder.rpartition("/")[2], ("reads only",), server, base, here, self.places)
        if not session.mark:
            return named
        token = self.forms.token(session.mark, "logout", now)
        return Frame(
            now, named.me, named.roles, server, base, here, self.places, leave=Address.LOG_OUT.to(base), token=token
        )


def check_name(desk: ServeDesk, request: Request) -> None:
    """Let a request pass that calls the server by a name of its own.

    Raises:
        Refused: it does not.
    """
    settings = desk.platform.settings
    check_host(request, (*OWN_NAMES, settings.host, *settings.allowed_hosts))


def respond(desk: ServeDesk, request: Request, page: Page, here: Address, session: Session | None) -> Response:
    """Send a page in the form that was asked for."""
    headers = dict(HEADERS) | {"Vary": "Accept, Cookie"}
    if wants_json(request):
        body, kind = json.dumps(page.facts, ensure_ascii=False, default=str), "application/json"
    else:
        body, kind = render(page, desk.frame(request, here, session)), "text/html; charset=utf-8"
    return Response(body, page.status, headers, kind)


def send_error(
    desk: ServeDesk, request: Request, here: Address, session: Session | None, error: HandrailError
) -> Response:
    """Send an error: as a problem, as a page, or as plain text to who calls the server by a strange name."""
    status = status_of(error, in_body=request.method == "POST")
    if wants_json(request):
        return answer(request, Rejection(status, str(error), HEADERS), **members_of(error))
    # A host that this server does not have gets no page.
    if isinstance(error, Refused) and session is None:
        return Response(str(error), int(status), dict(HEADERS), "text/plain; charset=utf-8")
    page = error_page(error, int(status), _question(desk, request, here, error))
    return respond(desk, request, page, here, session)


def _question(desk: ServeDesk, request: Request, here: Address, error: HandrailError) -> Question | None:
    """Return what was asked of a page, with names that are written much alike where nothing has that one."""
    asked = question_of(request, here)
    if asked is None or here not in NAMES or not isinstance(error, UnknownReference):
        return asked
    return replace(asked, near=near(desk.lineage, asked.query.get(QUESTIONS[here], "")))
