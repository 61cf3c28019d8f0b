"""What the OpenAPI document says of a route's errors: the guard's problem details, each with an example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.problems import MEDIA_TYPE, problem

REQUEST_ID = "0f9d3c0a7c2b4f0e8a5d6b1c2e3f4a5b"
ERRORS = {
    HTTPStatus.BAD_REQUEST: "items.0.amount: Input should be a valid number. Correct the request and send it again.",
    HTTPStatus.UNAUTHORIZED: "This path needs the header 'Authorization: Bearer <token>'.",
    HTTPStatus.FORBIDDEN: "You may not predict here. Ask who runs the service for the right 'predict'.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive within 10 s. Send it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 2,000,000 bytes. Send it in smaller batches.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is 'application/vnd.bentoml+pickle'. Send JSON with the header "
    "'Content-Type: application/json'.",
    HTTPStatus.TOO_MANY_REQUESTS: "64 requests are being answered. Send it again in 1 s.",
    HTTPStatus.INTERNAL_SERVER_ERROR: f"The server failed. Its log names request {REQUEST_ID}.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The model is still being loaded. Ask again in a few seconds.",
    HTTPStatus.GATEWAY_TIMEOUT: "Not able to process the request in 30 seconds",
}
"""A sentence of each error that a request may be answered with."""
Schemes = Mapping[str, Mapping[str, Any]]
SCHEME: Schemes = {"token": {"type": "http", "scheme": "bearer"}}


def describe(spec: Any, schemes: Schemes = SCHEME) -> None:
    """Complete BentoML's document in place: errors of its routes, and by which schemes callers say who they are."""
    # The schemas are those of JSON Schema 2020-12, as pydantic writes them, which 3.0 does not know.
    object.__setattr__(spec, "openapi", "3.1.0")
    secured: list[dict[str, list[str]]] = [{name: []} for name in schemes]
    for item in spec.paths.values():
        for operation in (item.get, item.post, item.put, item.delete):
            # A mounted app describes its host's callers in general.
            if isinstance(operation, dict) and "security" in operation:
                operation["security"] = secured
        post = item.post
        if isinstance(post, dict) and "x-bentoml-name" in post:
            answered = {code: each for code, each in post["responses"].items() if int(code) == HTTPStatus.OK}
            post["responses"] = answered | {int(status): _response(status) for status in ERRORS}
            post["security"] = secured
    if isinstance(spec.components, dict):
        spec.components["securitySchemes"] = dict(schemes)


def _response(status: HTTPStatus) -> dict[str, Any]:
    example = json.loads(problem(status, ERRORS[status], REQUEST_ID))
    found: dict[str, Any] = {
        "description": status.phrase,
        "content": {MEDIA_TYPE: {"schema": {"type": "object"}, "example": example}},
    }
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        about = "seconds after which to try again"
        found["headers"] = {"Retry-After": {"description": about, "schema": {"type": "integer"}}}
    return found
