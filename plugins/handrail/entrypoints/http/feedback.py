"""The app that takes predictions and feedback, for a host to mount: `/predictions` and `/feedback`, also below `/v1`.

Mounted by a host (a bento at /api), which may limit bodies further. Without an authenticator it refuses every request.
"""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.http.auth import unknown_caller
from handrail.entrypoints.http.docs_page import add_docs, shows_docs
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import MissingTool

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.security import HTTPBearer

    from handrail.entrypoints.http.apps import answer, answer_with_problems
    from handrail.entrypoints.http.feedback_callers import Caller
    from handrail.entrypoints.http.feedback_routes import feedback_routes
except ImportError as err:
    raise MissingTool("fastapi", "bentoml") from err

Authenticator = Callable[[Request], bool]
"""Claims that a request comes from somebody who may give predictions and feedback."""

NO_AUTHENTICATOR = (
    "The feedback API was mounted without an authenticator, so it lets nobody in. "
    "Mount it with feedback_app(platform, authenticate)."
)
UNKNOWN_CALLER = "The caller is not known. Send the credentials that the host of this API asks for."


def checked_by_host(_request: Request) -> bool:
    """Let every request in: for a host whose own middleware has checked the caller before."""
    return True


def feedback_app(platform: Platform, authenticate: Authenticator | None = None) -> FastAPI:
    """Make the app. `authenticate` decides on each request; without it every request is refused."""
    # The scheme is only described here: `authenticate` decides.
    token = HTTPBearer(auto_error=False, description="the token that the host of this API asks for")
    app = FastAPI(title="Handrail feedback", version="1", docs_url=None, redoc_url=None, dependencies=[Depends(token)])
    app.add_middleware(_Gate, authenticate=authenticate)
    answer_with_problems(app, "POST /predictions takes predictions, POST /feedback what is known about them.")
    add_docs(app)
    app.include_router(feedback_routes(platform, Caller, ("", "/v1")))
    return app


class _Gate:
    """Asks the authenticator before anything of the request is read."""

    def __init__(self, app: Any, authenticate: Authenticator | None) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        if self._authenticate is None:
            return await answer(request, Rejection(HTTPStatus.FORBIDDEN, NO_AUTHENTICATOR))(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not (shows_docs(request.method, path) or self._authenticate(request)):
            return await answer(request, unknown_caller(UNKNOWN_CALLER))(scope, receive, send)
        return await self._app(scope, receive, send)
