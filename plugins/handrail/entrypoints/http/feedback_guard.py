"""The guard around a served bento: a pure ASGI middleware that knows nothing of BentoML, models or features.

It refuses unknown paths, asks for the bearer token, limits bodies, gives each request an id and turns every error
into problem details (RFC 9457). It never raises: BentoML answers a raising middleware only after its whole timeout.
Put it around any bento with `Service.add_asgi_middleware(Guard, rules=..., not_ready=...)`, or outermost with
`handrail.entrypoints.bentoml.service.guarded`.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.auth import is_bearer, unknown_caller
from handrail.entrypoints.http.bodies import CLOSE, arriving_within, check_length, too_large
from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, explain, problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_TRANSLATED_BYTES = 1_000_000
SMALLER = "Send it in smaller batches."

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("handrail.feedback")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard lets through. A path that no rule names is not found.

    `open_paths` are read without a token, `guarded_paths` need it; `model_paths` answer 503 until a permitted model
    is loaded; `page` is the HTML at `/`, open if given.
    """

    token: str
    open_paths: frozenset[str]
    guarded_paths: frozenset[str]
    model_paths: frozenset[str] = frozenset()
    page: bytes | None = None
    max_body_bytes: int = 2_000_000
    body_timeout_s: float = 10.0


class ClientGone(Exception):  # noqa: N818 - nobody is left to answer
    """The client closed the connection before its request was complete."""


class Guard:
    """ASGI middleware that answers whatever may not reach the app, and translates the app's errors."""

    def __init__(self, app: App, rules: Rules, not_ready: Callable[[], str | None] = lambda: None) -> None:
        """Guard `app`; `not_ready` gives the sentence why no model is served, or None if one is."""
        self._app = app
        self._rules = rules
        self._not_ready = not_ready

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        answer = _Answer(send, _request_id(scope["headers"]))
        try:
            self._admit(scope)
            if scope["path"] == "/" and self._rules.page is not None:
                return await answer.give(HTTPStatus.OK, "text/html; charset=utf-8", self._rules.page)
            body = await self._read(scope["headers"], receive)
            await self._app(scope, _replay(body, receive), answer.translate)
        except Rejection as rejection:
            await answer.refuse(rejection)
        except ClientGone:
            return None
        except Exception:  # noqa: BLE001 - a raising middleware would hang until BentoML's timeout
            _log.exception("Request %s on %s failed", answer.request_id, scope["path"])
            detail = f"The server failed. Its log names request {answer.request_id}."
            await answer.refuse(Rejection(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
        return None

    def _admit(self, scope: MutableMapping[str, Any]) -> None:
        rules, path, method = self._rules, scope["path"], scope["method"]
        if path in rules.open_paths or (path == "/" and rules.page is not None):
            if method not in ("GET", "HEAD"):
                raise Rejection(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} can only be read.", [("allow", "GET, HEAD")])
        elif path in rules.guarded_paths:
            _check_token(scope["headers"], rules.token)
            if method not in ("GET", "HEAD", "DELETE"):
                _check_type(scope["headers"])
        else:
            raise Rejection(HTTPStatus.NOT_FOUND, "There is nothing at this path. GET /docs.json lists what there is.")
        if path == "/readyz" or path in rules.model_paths:
            reason = self._not_ready()
            if reason is not None:
                raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        limit = self._rules.max_body_bytes
        declared = _header(headers, b"content-length")
        check_length(None if declared is None else declared.decode("latin-1"), limit, SMALLER)
        async with arriving_within(self._rules.body_timeout_s):
            return await _collect(receive, limit)


class _Answer:
    """One response: ours, or the app's with its errors turned into problem details."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._id = request_id
        self._started = False
        self._held: tuple[HTTPStatus, Headers] | None = None
        self._body = bytearray()

    @property
    def request_id(self) -> str:
        return self._id.decode("ascii")

    async def translate(self, message: Message) -> None:
        """Pass a message of the app on; an error that is no problem document yet is held back and rewritten."""
        if message["type"] == "http.response.start":
            headers: Headers = list(message.get("headers", ()))
            if message["status"] >= HTTPStatus.BAD_REQUEST and not _is_problem(headers):
                self._held = (HTTPStatus(message["status"]), headers)
                return
            self._started = True
            message = {**message, "headers": [*headers, (b"x-request-id", self._id)]}
        elif self._held is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")[: MAX_TRANSLATED_BYTES - len(self._body)]
            if not message.get("more_body", False):
                status, headers = self._held
                self._held = None
                detail, fields = explain(status, bytes(self._body))
                await self.refuse(Rejection(status, detail, _kept(headers)), fields)
            return
        await self._send(message)

    async def refuse(self, rejection: Rejection, errors: list[dict[str, str]] | None = None) -> None:
        """Answer with problem details, unless an answer has begun."""
        if not self._started:
            body = problem(rejection.status, rejection.detail, self.request_id, errors=errors or None)
            await self.give(rejection.status, MEDIA_TYPE, body, rejection.headers)

    async def give(self, status: HTTPStatus, kind: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send one complete response."""
        self._started = True
        own = (("content-type", kind), ("content-length", str(len(body))), ("x-request-id", self.request_id))
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*own, *headers)]
        await self._send({"type": "http.response.start", "status": int(status), "headers": encoded})
        await self._send({"type": "http.response.body", "body": body})


def _request_id(headers: Headers) -> bytes:
    given = _header(headers, b"x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex.encode()


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return a header that is there exactly once; a repeated one counts as absent."""
    values = [value for key, value in headers if key.lower() == name]
    return values[0] if len(values) == 1 else None


def _check_token(headers: Headers, token: str) -> None:
    if not is_bearer((_header(headers, b"authorization") or b"").decode("latin-1"), token):
        raise unknown_caller(
            "This path needs the header 'Authorization: Bearer <token>'. "
            "The token lies in .handrail/credentials/serving-token.json.",
            CLOSE,
        )


def _check_type(headers: Headers) -> None:
    kind = (_header(headers, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        raise Rejection(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The body is {kind.decode('latin-1')!r}. Send JSON with the header 'Content-Type: application/json'.",
            CLOSE,
        )


async def _collect(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    seen = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        seen += len(parts[-1])
        if seen > limit:
            raise too_large(limit, SMALLER)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the collected body out once, then whatever the server says, such as a disconnect."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _is_problem(headers: Headers) -> bool:
    return (_header(headers, b"content-type") or b"").startswith(MEDIA_TYPE.encode())


def _kept(headers: Headers) -> list[tuple[str, str]]:
    named = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers]
    return [(key, value) for key, value in named if key.lower() not in ("content-type", "content-length")]
