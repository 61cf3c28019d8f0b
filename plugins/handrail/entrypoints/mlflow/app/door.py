"""The outermost layer of the server: nothing but open routes gets past it, before any login is looked at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from handrail.entrypoints.console.addresses import PREFIX, Address
from handrail.entrypoints.http.gate_routes import PREFIX as API
from handrail.entrypoints.http.problems import MEDIA_TYPE, problem
from handrail.entrypoints.mlflow.app.surface import SETTING, Answer, Surface


class Door:
    """ASGI app around MLflow's: answers itself what is not open."""

    def __init__(self, app: Any, surface: Surface) -> None:
        self.app = app
        self._surface = surface

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        refusal = _refusal(self._surface, scope["method"], _routed(scope), accept)
        if refusal is None:
            return await self.app(scope, receive, send)
        status, headers, body = refusal
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": int(status), "headers": encoded})
        return await send({"type": "http.response.body", "body": body})


class WsgiDoor:
    """The same for a server that runs MLflow's Flask app alone."""

    def __init__(self, app: Any, surface: Surface) -> None:
        self._app = app
        self._surface = surface

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one WSGI request."""
        path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")
        refusal = _refusal(self._surface, environ["REQUEST_METHOD"], path, str(environ.get("HTTP_ACCEPT", "")))
        if refusal is None:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        status, headers, body = refusal
        start_response(f"{int(status)} {status.phrase}", headers)
        return [body]


def _page_for(surface: Surface, path: str) -> str | None:
    """Return where a person goes who opens an address among the pages that none of them has; None for other paths.

    It is the page itself where a slash is too many or missing, else the one that says so.
    """
    below = path.removeprefix(surface.prefix)
    if path == below and surface.prefix or not f"{below}/".startswith(f"{PREFIX}/") or below.startswith(f"{API}/"):
        return None
    for meant in (f"{path.rstrip('/')}/", path.rstrip("/")):
        if surface.answer("GET", meant)[0] is Answer.OPEN:
            return quote(meant)
    return Address.NOWHERE.to(surface.prefix, {"address": path[:200]})


def _routed(scope: Any) -> str:
    """Return the path as the routers below read it: without the root path that a proxy in front takes away."""
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _refusal(
    surface: Surface, method: str, path: str, accept: str
) -> tuple[HTTPStatus, list[tuple[str, str]], bytes] | None:
    answer, about = surface.answer(method, path)
    headers = [("content-type", MEDIA_TYPE)]
    if answer is Answer.OPEN:
        return None
    if method in ("GET", "HEAD") and "text/html" in accept and (page := _page_for(surface, path)):
        return HTTPStatus.SEE_OTHER, [("location", page)], b""
    if answer is Answer.OTHER_METHOD:
        status, detail = HTTPStatus.METHOD_NOT_ALLOWED, f"This path takes {about}."
        headers.append(("allow", about))
    elif answer is Answer.OFF:
        status = HTTPStatus.NOT_FOUND
        detail = f"MLflow's {about} is off on this server. Whoever runs it can open it: name {about} in {SETTING}."
    else:
        status, detail = HTTPStatus.NOT_FOUND, "This server has nothing at this path. Correct the address."
    return status, headers, problem(status, detail, uuid.uuid4().hex)
