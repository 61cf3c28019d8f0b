"""Problem details (RFC 9457): one table from error to status for every door, how a problem is written and read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from handrail.errors import (
    Busy,
    Conflict,
    Contradiction,
    HandrailError,
    InvalidInput,
    Refused,
    Unavailable,
    UnknownReference,
)

MEDIA_TYPE = "application/problem+json"
MAX_NAMED_FIELDS = 10
MAX_SENTENCE = 500
# Where a part lies, and which of two models was tried, is not its name.
_NOT_IN_A_NAME = ("body", "query", "path", "one", "batch")

STATUS: tuple[tuple[type[HandrailError], HTTPStatus], ...] = (
    (UnknownReference, HTTPStatus.NOT_FOUND),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (Conflict, HTTPStatus.CONFLICT),
    (Contradiction, HTTPStatus.CONFLICT),
    (Refused, HTTPStatus.FORBIDDEN),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (HandrailError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The status of each error, the most special class first. Misconfigured is the server's own fault: 500."""


class Rejection(Exception):  # noqa: N818 - an answer, not an error
    """An answer with its own status, given while the request is still being read."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(status, detail)
        self.status, self.detail, self.headers = status, detail, tuple(headers)


def status_of(error: HandrailError, *, in_body: bool = False) -> HTTPStatus:
    """Return the HTTP status of an error; `in_body` says that the request carried a body.

    What a readable body says wrongly is 422, whatever it is: the path was found, and the body was understood. A body
    that cannot be read at all is 400, as is a wrong query.
    """
    if in_body and isinstance(error, InvalidInput) and error.field != "body":
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return next(status for kind, status in STATUS if isinstance(error, kind))


def problem(status: HTTPStatus, detail: str, request_id: str, **members: Any) -> bytes:
    """Write a problem document; `members` are what else a client may need, empty ones are left out."""
    document = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    document |= {"request_id": request_id} | {name: value for name, value in members.items() if value is not None}
    return json.dumps(document).encode()


def members_of(error: HandrailError) -> dict[str, Any]:
    """Return the members of a problem from which `error_of` makes the same error again; `title` is its class."""
    shown = {name: vars(error)[name] for name in ("field", "reasons", "verdict") if name in vars(error)}
    return shown | {"title": type(error).__name__, "facts": error.facts()}


def error_of(document: Any, kinds: Iterable[type[HandrailError]]) -> HandrailError | None:
    """Return the error that a problem document describes, if it is one of `kinds` and has that class's facts."""
    if not isinstance(document, Mapping):
        return None
    kind = next((kind for kind in kinds if kind.__name__ == document.get("title")), None)
    facts = document.get("facts")
    if kind is None or not isinstance(facts, Mapping):
        return None
    try:
        return kind(**facts)
    except TypeError:  # another release gives this class other facts
        return None


def first_fault(errors: Any) -> tuple[str, str]:
    """Return the field and the complaint of the first of pydantic's errors, without what was sent."""
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"] if part not in _NOT_IN_A_NAME)
    return field or "body", str(first["msg"])[:300].rstrip(".").lower()


def explain(status: HTTPStatus, body: bytes) -> tuple[str, list[dict[str, str]]]:
    """Read an error body of BentoML, FastAPI or Starlette; return one sentence and the fields at fault."""
    try:
        content = json.loads(body)
    except ValueError:
        return _sentence(status, body.decode("utf-8", "replace").strip()), []
    if isinstance(content, list) and content:
        content = content[0]
    content = content if isinstance(content, dict) else {"detail": content}
    found = content.get("detail")
    if isinstance(found, list) and found and all(isinstance(item, dict) for item in found):
        fields = [_field(item) for item in found[:MAX_NAMED_FIELDS]]
        more = f" {len(found) - 1} more are wrong." if len(found) > 1 else ""
        sentence = f"{fields[0]['field']}: {fields[0]['problem']}.{more} Correct the request and send it again."
        return sentence, fields
    return str(content.get("error") or found or _sentence(status, "")), []


def _sentence(status: HTTPStatus, text: str) -> str:
    """Return a plain-text error, or what the status means if the text says no more than its name."""
    if text and text != status.phrase and len(text) <= MAX_SENTENCE:
        return text
    return f"{status.phrase}: {status.description or 'no details are known'}."


def _field(item: dict[str, Any]) -> dict[str, str]:
    path = ".".join(str(part) for part in item.get("loc", ()) if part != "body")
    return {"field": path or "body", "problem": str(item.get("msg", "it is not valid")).rstrip(".")}
