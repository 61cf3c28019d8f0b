"""Problem details (RFC 9457): how HTTP errors are written, and read from tools that write their own."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from handrail.errors import Conflict, HandrailError, InvalidInput, Refused, Unavailable, UnknownReference

MEDIA_TYPE = b"application/problem+json"
MAX_NAMED_FIELDS = 10
MAX_SENTENCE = 500


def problem(status: HTTPStatus, detail: str, request_id: str, fields: list[dict[str, str]] | None = None) -> bytes:
    """Write a problem document (RFC 9457); `fields` lists what is wrong where, if the request's body is at fault."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "request_id": request_id,
    }
    if fields:
        document["errors"] = fields
    return json.dumps(document).encode()


STATUS: tuple[tuple[type[HandrailError], HTTPStatus], ...] = (
    (UnknownReference, HTTPStatus.NOT_FOUND),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (Conflict, HTTPStatus.CONFLICT),
    (Refused, HTTPStatus.FORBIDDEN),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (HandrailError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The status of each error, the most special class first."""


def status_of(error: HandrailError) -> HTTPStatus:
    """Return the HTTP status that tells a client what it may do about an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


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
