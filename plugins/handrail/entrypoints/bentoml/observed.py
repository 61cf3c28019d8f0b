"""The outermost layer of a service: counts and logs each request, whatever becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from handrail.entrypoints.bentoml.logs import MOST_IDS, RequestLog
from handrail.entrypoints.bentoml.watch import ASKED, Asked, Watch
from handrail.entrypoints.http.feedback_guard import CALLER
from handrail.tools import require

require("starlette", "bentoml")
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # noqa: E402

OTHER = "other"
"""The route of every path that the service does not have."""
GONE = 499
"""The code of a request whose caller did not wait for an answer."""
QUIET = frozenset({"/livez", "/healthz", "/readyz", "/metrics"})
"""What is asked again and again by machines is counted, and not logged."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The paths that a service has, and those of them that predict."""

    known: frozenset[str]
    predict: frozenset[str]


class Observed:
    """ASGI middleware that passes everything on."""

    def __init__(self, app: ASGIApp, watch: Watch, routes: Routes, log: RequestLog) -> None:
        """Observe `app`."""
        self._app, self._watch, self._routes, self._log = app, watch, routes, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        route = path if path in self._routes.known else OTHER
        asked, status, request_id = Asked(), GONE, ""

        async def seen(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = _id_of(message)
            await send(message)

        began, before = perf_counter(), ASKED.set(asked)
        self._watch.arrived()
        try:
            await self._app(scope, receive, seen)
        finally:
            ASKED.reset(before)
            seconds = perf_counter() - began
            self._watch.ended(route, status, seconds, path in self._routes.predict)
            caller = scope.get(CALLER)
            if caller is not None:
                asked.caller = caller.name
                self._watch.called(caller.label, status)
            if path not in QUIET:
                self._write(asked, scope["method"], route, status, seconds, request_id)

    def _write(  # noqa: PLR0913 - what is known of a request
        self, asked: Asked, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        ids = asked.prediction_ids
        facts = {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "caller": asked.caller,
            "ms": round(seconds * 1e3, 3),
            "deployment": asked.deployment,
            "slots": sorted(asked.slots),
            "predictions": len(ids) or None,
            "prediction_ids": ids[:MOST_IDS],
        }
        self._log.add(facts)


def _id_of(message: Message) -> str:
    return next((text.decode("latin-1") for name, text in message.get("headers", ()) if name == b"x-request-id"), "")
