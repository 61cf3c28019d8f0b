"""Reads what is sent to the gate's routes: only known names, only JSON, and what is wrong named with its field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from flask import request

from handrail.approvals import Choice, plain_text
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput

MAX_BODY_BYTES = 1 << 20


def read_query(*known: str) -> dict[str, str]:
    """Return the parameters of the query, of which none is unknown, and each is text that a database can look for."""
    _only_known(dict(request.args), known)
    refuse_nul(request.args)
    return dict(request.args)


def refuse_nul(texts: Mapping[str, str]) -> None:
    """Let texts pass without U+0000, which PostgreSQL neither keeps nor looks for.

    Raises:
        InvalidInput: one has it.
    """
    for name, text in texts.items():
        if "\0" in text:
            raise InvalidInput(name, "it holds U+0000", "Send printable characters.")


def read_number(wanted: dict[str, str], name: str, default: int, most: int) -> int:
    """Return a parameter that is a whole number from 0 to `most`."""
    text = wanted.get(name, str(default))
    if not re.fullmatch("[0-9]{1,12}", text) or not 0 <= int(text) <= most:
        raise InvalidInput(name, f"{text!r:.80} is not a number up to {most:,}", "Send the one that came as next.")
    return int(text)


def read_body(*known: str) -> dict[str, Any]:
    """Return the JSON object of the body, of whose fields none is unknown."""
    fields = read_object()
    _only_known(fields, known)
    return fields


def read_object() -> dict[str, Any]:
    """Return the JSON object of the body, whatever its fields are."""
    # Only JSON: a form could be sent by another site's page with the browser's own login.
    if not request.is_json:
        detail = f"Content-Type: {request.mimetype!r} is not JSON. Send application/json."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    request.max_content_length = MAX_BODY_BYTES
    try:
        fields = json.loads(request.get_data(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("body", f"it is not JSON: {err}", "Send one JSON object.") from err
    if not isinstance(fields, dict):
        raise InvalidInput("body", "it is not a JSON object", "Send one JSON object.")
    return fields


def _only_known(fields: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in fields:
        if name not in known:
            raise InvalidInput(name, "it is unknown here", f"Send only: {', '.join(known)}.")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def read_text(fields: dict[str, Any], name: str) -> str:
    """Return a field that has to be text of people."""
    return plain_text(name, fields.get(name))


def read_choice(fields: dict[str, Any]) -> Choice:
    """Return the decision that was sent."""
    choice = read_text(fields, "decision")
    if choice not in list(Choice):
        raise InvalidInput("decision", f"{choice!r} is not a decision", "Send 'approve', 'reject' or 'ask'.")
    return Choice(choice)


def read_version(fields: dict[str, Any]) -> str:
    """Return the number of a version, as it was written."""
    value = fields.get("version")
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value)):
        raise InvalidInput("version", f"{value!r:.80} is not a version number", "Send a whole number.")
    return str(value)
