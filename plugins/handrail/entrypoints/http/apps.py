"""What every FastAPI application of Handrail shares: each error leaves it as problem details, with a request id.

Whoever imports this names the extra that brings FastAPI.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, first_fault, problem, status_of
from handrail.errors import Busy, HandrailError, InvalidInput

Handler = Callable[[Request, Exception], Response]


def answer(request: Request, rejection: Rejection, **members: Any) -> Response:
    """Return a problem as the response to `request`."""
    request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
    document = problem(rejection.status, rejection.detail, request_id, **members)
    return Response(document, int(rejection.status), dict(rejection.headers), MEDIA_TYPE)


def answer_with_problems(app: FastAPI, hint: str) -> None:
    """Make `app` answer every error with problem details; `hint` says which paths there are."""

    def unknown_path(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, Rejection(HTTPStatus(error.status_code), f"{error.detail}. {hint}"))

    handlers: dict[type[Exception], Handler] = {
        Rejection: _rejection,
        HandrailError: _error,
        RequestValidationError: _fields,
        HTTPException: unknown_path,
        Exception: _mistake,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def describe(statuses: dict[int, str], schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI describes the problems that a route may answer with."""
    content = {MEDIA_TYPE: {"schema": schema} if schema else {}}
    return {status: {"description": text, "content": content} for status, text in statuses.items()}


def _rejection(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejection)
    return answer(request, error)


def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HandrailError)
    errors = None
    if isinstance(error, InvalidInput):
        errors = [{"field": error.field, "problem": f"{error.problem}. {error.remedy}"}]
    status = status_of(error, in_body=request.method == "POST")
    later = [("Retry-After", str(error.retry_after_s))] if isinstance(error, Busy) else []
    return answer(request, Rejection(status, str(error), later), errors=errors)


def _fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    field, said = first_fault(faults)
    unreadable = faults[0]["type"] == "json_invalid"
    status = HTTPStatus.BAD_REQUEST if unreadable else HTTPStatus.UNPROCESSABLE_ENTITY
    recorded = " Nothing of the request was recorded." if request.method == "POST" else ""
    fault = Rejection(status, f"{'body' if unreadable else field}: {said}.{recorded}")
    return answer(request, fault, errors=[{"field": field, "problem": said}])


def _mistake(request: Request, _error: Exception) -> Response:
    """Answer a mistake in Handrail without its details; the server's log has them."""
    detail = "Handrail made a mistake. Its log says which."
    return answer(request, Rejection(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
