"""A small ASGI app behind the guard, and a client that needs no server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Send

from handrail.entrypoints.http.feedback_guard import Rules
from handrail.entrypoints.http.serving_callers import ServingCallers

TOKEN = "t" * 32
RULES = Rules(
    token=TOKEN,
    open_paths=frozenset({"/readyz", "/livez", "/metrics"}),
    guarded_paths=frozenset({"/predict", "/api/feedback"}),
    model_paths=frozenset({"/predict"}),
    page=b"<html>page</html>",
    max_body_bytes=100,
    body_timeout_s=0.05,
)


@dataclass
class Inner:
    """An app that records what reaches it and answers as configured."""

    status: int = 200
    kind: bytes = b"application/json"
    body: bytes = b'{"ok": true}'
    raises: Exception | None = None
    late: bool = False
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.seen.append(("lifespan", b""))
            return
        message = await receive()
        self.seen.append((scope["path"], message["body"]))
        if self.raises is not None and not self.late:
            raise self.raises
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-type", self.kind)]})
        if self.raises is not None:
            raise self.raises
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:]})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


TYPE = (b"content-type", b"application/json")
AUTHORISED = ((b"authorization", b"Bearer " + TOKEN.encode()), TYPE)


def with_callers(callers: ServingCallers) -> Rules:
    """Return the rules with these callers, and no token beside them."""
    return replace(RULES, token="", callers=callers)


def call(
    app: ASGIApp,
    path: str,
    method: str = "POST",
    headers: Iterable[tuple[bytes, bytes]] = AUTHORISED,
    body: Iterable[bytes] = (b"{}",),
    complete: bool = True,
) -> Answer:
    """Send one request through an ASGI app; `body` are its chunks, the last one missing if not `complete`."""
    sent: list[Message] = []
    chunks = list(body)
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": not complete or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Message = {"type": "http", "path": path, "method": method, "headers": list(headers)}

    async def answer() -> None:
        await app(scope, receive, send)

    asyncio.run(answer())
    assert [message["type"] for message in sent[:1]] == ["http.response.start"]
    assert sum(message["type"] == "http.response.start" for message in sent) == 1
    return Answer(
        sent[0]["status"],
        {key.decode().lower(): value.decode() for key, value in sent[0]["headers"]},
        b"".join(message["body"] for message in sent[1:]),
    )
