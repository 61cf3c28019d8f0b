"""How much a serving process takes at once, and how long a caller may take to say what it wants.

What is too much is refused at once, with the seconds after which to try again: nobody waits in a queue without an end.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

from handrail.entrypoints.http.feedback_guard import Rules
from handrail.entrypoints.http.problems import Rejection
from handrail.tools import require

require("starlette", "bentoml")
import uvicorn.config  # noqa: E402
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: E402
from uvicorn.protocols.http.auto import AutoHTTPProtocol  # noqa: E402

MOST_AT_ONCE = 64
"""Requests that one process answers at once on each side, predictions and feedback."""
AGAIN_AFTER_S = 1
HEADERS_WITHIN_S = 10.0
"""So long the first line and the headers of a request may take to arrive."""


class Bounded:
    """ASGI middleware below the guard: predictions cannot starve feedback, nor the other way round."""

    def __init__(self, app: ASGIApp, rules: Rules, most: int = MOST_AT_ONCE) -> None:
        """Let `most` requests of each side reach `app` at once; health, which needs no token, is not counted."""
        self._app, self._rules = app, rules
        self._most, self._running = most, {True: 0, False: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection.

        Raises:
            Rejection: too much is being answered.
        """
        if scope["type"] != "http" or scope["path"] not in self._rules.guarded_paths:
            return await self._app(scope, receive, send)
        side = scope["path"] in self._rules.model_paths
        if self._running[side] >= self._most:
            detail = f"{self._most} requests are being answered. Send it again in {AGAIN_AFTER_S} s."
            raise Rejection(HTTPStatus.TOO_MANY_REQUESTS, detail, [("retry-after", str(AGAIN_AFTER_S))])
        self._running[side] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running[side] -= 1


class PatientProtocol(cast("type[asyncio.Protocol]", AutoHTTPProtocol)):  # type: ignore[misc]  # chosen at run time
    """uvicorn's own protocol, which ends a connection whose request does not say in time what it wants.

    uvicorn waits for headers without an end: a caller that sends a byte a second holds a connection for as long as it
    likes. Between requests of one connection uvicorn's own limit holds.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._wait(transport)

    def data_received(self, data: bytes) -> None:
        """Wait on while headers are missing; once they are there, the guard limits the time of the body."""
        super().data_received(data)
        me = cast(Any, self)
        if me.cycle is None or me.cycle.response_complete:
            self._wait(me.transport)
        else:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self, transport: asyncio.BaseTransport) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(HEADERS_WITHIN_S, transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def limit_headers() -> None:
    """Let servers that this process starts from now on limit the time of headers; BentoML has no setting for it."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:PatientProtocol"
