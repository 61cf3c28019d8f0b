"""Confirm hooks: controllers of other systems ask before they begin, grow, promote or keep a rollout.

Flagger reads the status alone, Argo Rollouts the JSON of `/value`; anything else that can call an address reads either.
"""

# FastAPI reads the annotations at run time, so they stay real.

import base64
import binascii
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request

from handrail.bootstrap import Platform
from handrail.bootstrap.rollout_hooks import read_standing
from handrail.delivery import Confirmation, Go, Hook, confirm
from handrail.entrypoints.http.auth import unknown_caller
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import UnknownReference
from handrail.lineage import TokenRecord

MOST_BYTES = 100_000
UNKNOWN = (
    "The caller is not known. Send Authorization: Bearer <token>, or the token as the password of a login; "
    "handrail lineage token create <name> --may ask makes one."
)
VALUES = {Go.YES: 1, Go.WAIT: 0, Go.NO: -1}
REFUSED = {Go.WAIT: HTTPStatus.CONFLICT, Go.NO: HTTPStatus.FORBIDDEN}
Find = Callable[[str], TokenRecord | None]
Name = Annotated[str, Path(max_length=80, description="a service, or a challenger as handrail delivery show names it")]


def token_of(header: str | None) -> str | None:
    """Return the token that an Authorization header carries, as a bearer or as the password of a login."""
    scheme, _, secret = (header or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = base64.b64decode(secret.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password or None


def rollout_hooks(platform: Platform, find: Find, problems: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes; `find` says whose token it is."""

    def asker(request: Request) -> None:
        token = token_of(request.headers.get("authorization"))
        known = find(token) if token else None
        if known is None:
            raise unknown_caller(UNKNOWN)
        known.scope.check_question(known.holder)

    router = APIRouter(prefix="/api/v1/rollouts", dependencies=[Depends(asker)], responses=problems)

    def answered(service: str, challenger: str, hook: Hook) -> Confirmation:
        try:
            return confirm(hook, read_standing(platform, service, challenger))
        except UnknownReference as err:
            raise Rejection(HTTPStatus.NOT_FOUND, str(err)) from err

    @router.post("/{service}/{challenger}/{hook}", summary="Answer a hook by its status")
    async def hooked(request: Request, service: Name, challenger: Name, hook: Hook) -> dict[str, Any]:
        """200 if it may go on, of `rollback` if it has to be taken back; 409 if not yet, 403 if not at all.

        What a controller sends as a body has to be JSON, and is not needed.
        """
        await _read(request)
        found = answered(service, challenger, hook)
        if found.go is not Go.YES:
            raise Rejection(REFUSED[found.go], found.sentence)
        return _json(found)

    @router.get("/{service}/{challenger}/{hook}/value", summary="Answer a hook by a value")
    def value(service: Name, challenger: Name, hook: Hook) -> dict[str, Any]:
        """`value` is 1 for yes, 0 for not yet, -1 for no; `confirmed` is true for yes alone."""
        return _json(answered(service, challenger, hook))

    return router


def _json(found: Confirmation) -> dict[str, Any]:
    return {
        "confirmed": found.go is Go.YES,
        "go": found.go.value,
        "value": VALUES[found.go],
        "sentence": found.sentence,
    }


async def _read(request: Request) -> None:
    """Read the body of a hook.

    Raises:
        Rejection: it is large, or no JSON.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {MOST_BYTES:,} bytes.")
    try:
        json.loads(body or b"{}")
    except (ValueError, RecursionError) as err:
        raise Rejection(HTTPStatus.BAD_REQUEST, "The body is no JSON. Send what the controller sends.") from err
