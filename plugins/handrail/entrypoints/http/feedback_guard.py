"""The guard around a served bento: a pure ASGI middleware that knows nothing of BentoML, models or features.

It refuses unknown paths, asks who calls and whether that caller may, limits bodies, gives each request an id and turns
every error into problem details (RFC 9457). It never raises: BentoML answers a raising middleware only after its whole
timeout. Put it around any bento with `Service.add_asgi_middleware(FeedbackGuard, rules=..., not_ready=...)`, or
outermost with `handrail.entrypoints.bentoml.service.guarded`.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from handrail.delivery import Right
from handrail.entrypoints.http.bodies import CLOSE, arriving_within, check_length, too_large
from handrail.entrypoints.http.docs_page import DOCS
from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, explain, problem
from handrail.entrypoints.http.serving_callers import ServingCallers
from handrail.tools import require

require("starlette", "bentoml")
from starlette.datastructures import Headers, MutableHeaders  # noqa: E402
from starlette.requests import ClientDisconnect, Request  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # noqa: E402

MAX_TRANSLATED_BYTES = 1_000_000
SMALLER = "Send it in smaller batches."
AGAIN_AFTER_S = {HTTPStatus.TOO_MANY_REQUESTS: 1, HTTPStatus.SERVICE_UNAVAILABLE: 5}
"""After how many seconds what is over soon may be asked again."""
CALLER = "handrail.caller"
"""Where in the scope of a request its caller is found, for what is around the guard."""
OF_A_BODY = ("content-type", "content-length")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("handrail.feedback")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard lets through. A path that no rule names is not found.

    `open_paths` are read by anybody, `guarded_paths` by who has `token`, or by the `callers` in its place: for those
    of them that are `model_paths` a caller needs the right to predict, for others the right to report. `model_paths`
    answer 503 until a permitted model is loaded; `page` is the HTML at `/` and `/docs`, open if given.
    `any_type_paths` take more than JSON, as their app says.
    """

    token: str
    open_paths: frozenset[str]
    guarded_paths: frozenset[str]
    model_paths: frozenset[str] = frozenset()
    page: bytes | None = None
    max_body_bytes: int = 2_000_000
    body_timeout_s: float = 10.0
    any_type_paths: frozenset[str] = frozenset()
    callers: ServingCallers | None = None


class FeedbackGuard:
    """ASGI middleware that answers whatever may not reach the app, and translates the app's errors."""

    def __init__(
        self,
        app: ASGIApp,
        rules: Rules,
        not_ready: Callable[[], str | None] = lambda: None,
        elsewhere: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Guard `app`.

        Args:
            app: what is guarded.
            rules: what is let through.
            not_ready: gives the sentence why this process serves no model, or None if it does.
            elsewhere: gives the same of the other processes of the service, for `/readyz`.
        """
        self._app = app
        self._rules = rules
        self._callers = rules.callers or ServingCallers(rules.token)
        self._not_ready, self._elsewhere = not_ready, elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        request = Request(scope, receive)
        answer = _Answer(request, send)
        try:
            await self._admit(request)
            if self._is_page(scope["path"]) and self._rules.page is not None:
                return await answer.give(HTTPStatus.OK, "text/html; charset=utf-8", self._rules.page)
            body = await self._read(request)
            await self._app(scope, _replay(body, receive), answer.translate)
        except Rejection as rejection:
            await answer.refuse(rejection)
        except ClientDisconnect:
            return None
        except Exception:  # noqa: BLE001 - a raising middleware would hang until BentoML's timeout
            _log.exception("Request %s on %s failed", answer.request_id, scope["path"])
            detail = f"The server failed. Its log names request {answer.request_id}."
            await answer.refuse(Rejection(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
        return None

    def _is_page(self, path: str) -> bool:
        return path in ("/", DOCS) and self._rules.page is not None

    async def _admit(self, request: Request) -> None:
        rules, path, method = self._rules, request.scope["path"], request.method
        if path in rules.open_paths or self._is_page(path):
            if method not in ("GET", "HEAD"):
                raise Rejection(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} can only be read.", [("allow", "GET, HEAD")])
        elif path in rules.guarded_paths:
            await self._know(request)
            if method not in ("GET", "HEAD", "DELETE") and path not in rules.any_type_paths:
                _check_type(request.headers)
        else:
            raise Rejection(HTTPStatus.NOT_FOUND, "There is nothing at this path. GET /docs.json lists what there is.")
        if path == "/readyz" or path in rules.model_paths:
            reason = self._not_ready() or (self._elsewhere() if path == "/readyz" else None)
            if reason is not None:
                raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)

    async def _know(self, request: Request) -> None:
        """Find out who calls, before the body is read, and write the names for logs and metrics into the scope."""
        scope = request.scope
        header = _header(request.headers, "authorization")
        known = await self._callers.find(header, scope.get("query_string", b""))
        scope[CALLER] = known
        known.require(Right.PREDICT if scope["path"] in self._rules.model_paths else Right.REPORT)

    async def _read(self, request: Request) -> bytes:
        limit = self._rules.max_body_bytes
        check_length(_header(request.headers, "content-length"), limit, SMALLER)
        body = bytearray()
        async with arriving_within(self._rules.body_timeout_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large(limit, SMALLER)
        return bytes(body)


class _Answer:
    """One response: ours, or the app's with its errors turned into problem details."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        given = _header(request.headers, "x-request-id")
        self.request_id = given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self._started = False
        self._held: tuple[HTTPStatus, Headers] | None = None
        self._body = bytearray()

    async def translate(self, message: Message) -> None:
        """Pass a message of the app on; an error that is not a problem document yet is held back and rewritten."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            is_problem = (_header(headers, "content-type") or "").startswith(MEDIA_TYPE)
            if message["status"] >= HTTPStatus.BAD_REQUEST and not is_problem:
                self._held = (HTTPStatus(message["status"]), headers)
                return
            self._started = True
            headers.append("x-request-id", self.request_id)
            message = {**message, "headers": headers.raw}
        elif self._held is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")[: MAX_TRANSLATED_BYTES - len(self._body)]
            if not message.get("more_body", False):
                status, held = self._held
                self._held = None
                detail, fields = explain(status, bytes(self._body))
                kept = [(name, text) for name, text in held.items() if name.lower() not in OF_A_BODY]
                await self.refuse(Rejection(status, detail, kept), fields)
            return
        await self._send(message)

    async def refuse(self, rejection: Rejection, errors: list[dict[str, str]] | None = None) -> None:
        """Answer with problem details, unless an answer has begun."""
        if not self._started:
            body = problem(rejection.status, rejection.detail, self.request_id, errors=errors or None)
            await self.give(rejection.status, MEDIA_TYPE, body, _when_to_try_again(rejection))

    async def give(self, status: HTTPStatus, kind: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send one complete response."""
        self._started = True
        response = Response(body, int(status), media_type=kind)
        for name, text in (("x-request-id", self.request_id), *headers):
            response.headers.append(name, text)
        await response(self._request.scope, self._request.receive, self._send)


def _when_to_try_again(rejection: Rejection) -> Iterable[tuple[str, str]]:
    """Return the headers of an answer; what is over soon says after how many seconds to ask again."""
    named = any(name.lower() == "retry-after" for name, _ in rejection.headers)
    if named or rejection.status not in AGAIN_AFTER_S:
        return rejection.headers
    return (*rejection.headers, ("retry-after", str(AGAIN_AFTER_S[rejection.status])))


def _header(headers: Headers, name: str) -> str | None:
    """Return a header that is there exactly once; a repeated one counts as absent."""
    values = [text for key, text in headers.items() if key.lower() == name]
    return values[0] if len(values) == 1 else None


def _check_type(headers: Headers) -> None:
    kind = (_header(headers, "content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Rejection(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The body is {kind!r}. Send JSON with the header 'Content-Type: application/json'.",
            CLOSE,
        )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the collected body out once, then whatever the server says, such as a disconnect."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
