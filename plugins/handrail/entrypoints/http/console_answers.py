"""What the console under `handrail serve` answers beside pages: files, the way to another page, the login's cookie."""

from __future__ import annotations

from handrail.entrypoints.console.addresses import PREFIX
from handrail.entrypoints.console.pages import HEADERS, KEPT_FOR, STATIC, static_file
from handrail.entrypoints.http.console_sessions import COOKIE
from handrail.errors import MissingTool

try:
    from starlette.requests import Request
    from starlette.responses import Response
except ImportError as err:
    raise MissingTool("fastapi", "server") from err


def send_static(file: str) -> Response:
    """Return a file that pages need; what does not exist is 404."""
    if file not in STATIC:
        return Response("There is no such file.", 404, dict(HEADERS), "text/plain; charset=utf-8")
    return Response(static_file(file), 200, dict(HEADERS) | {"Cache-Control": KEPT_FOR}, STATIC[file])


def see(address: str) -> Response:
    """Send the browser on to a page (303)."""
    return Response("", 303, dict(HEADERS) | {"Location": address})


def set_cookie(request: Request, answered: Response, value: str, max_age_s: int, *, secure: bool) -> None:
    """Set the cookie of a login; no second takes it away."""
    path = request.scope.get("root_path", "") + PREFIX
    answered.set_cookie(COOKIE, value, max_age_s, path=path, secure=secure, httponly=True, samesite="strict")
