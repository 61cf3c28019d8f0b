"""CloudEvents 1.0 over HTTP: structured, binary and batched; the envelope fills in what the data leaves out.

The data is a row as our own JSON has it, or for feedback a bare number, its value. See cloudevents.io, spec 1.0.2.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from handrail.entrypoints.http.feedback_decoded import Body, Decoded, Row, media_type, parse
from handrail.errors import InvalidInput
from handrail.feedback import Reason, Rejected

VERSION = "1.0"
FIELDS: Mapping[str, Mapping[str, str]] = {
    "feedback": {"source": "source", "kind": "type", "occurred_at": "time", "subject": "subject"},
    "prediction": {"prediction_id": "id", "deployment": "source", "made_at": "time", "subject": "subject"},
}
"""Which attribute of the envelope represents a field that the data leaves out."""
REQUIRED = ("id", "source", "type")


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether a request is a CloudEvent whose attributes are headers and whose body is its data."""
    is_envelope = media_type(headers.get("content-type", "")).startswith("application/cloudevents")
    return "ce-specversion" in headers and not is_envelope


def structured(body: Body) -> Decoded:
    """Read one event whose envelope is the body.

    Raises:
        InvalidInput: it is not JSON.
    """
    return Decoded([_row(body, parse(body.content))])


def batched(body: Body) -> Decoded:
    """Read an array of events.

    Raises:
        InvalidInput: it is not a JSON array.
    """
    events = parse(body.content)
    if not isinstance(events, list):
        raise InvalidInput("body", "it is not an array of CloudEvents", "Send [{...}, ...]; nothing was recorded.")
    return Decoded([_row(body, event) for event in events])


def binary(body: Body) -> Decoded:
    """Read one event whose attributes are `ce-` headers.

    Raises:
        InvalidInput: its data is not JSON.
    """
    said = [(name.lower(), text) for name, text in body.headers.items()]
    event: dict[str, Any] = {name[3:]: _header(text) for name, text in said if name.startswith("ce-")}
    event["datacontenttype"] = body.headers.get("content-type") or "application/json"
    if body.content:
        is_json = _is_json(event["datacontenttype"])
        event["data"] = parse(body.content) if is_json else body.content[:1_000].decode("utf-8", "replace")
    return Decoded([_row(body, event)])


def _header(text: str) -> str:
    """Return a value as it was before it was written into a header, where it may be quoted and percent-encoded."""
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote(text, errors="replace")


def _is_json(media: Any) -> bool:
    name = media_type(media) if isinstance(media, str) else ""
    return name == "application/json" or name.endswith("+json")


def _row(body: Body, event: Any) -> Row:
    try:
        return body.read(_content(body.what, event))
    except InvalidInput as err:
        return Rejected(body.what, Reason.MALFORMED, err.field, str(err), event)


def _content(what: str, event: Any) -> dict[str, Any]:
    """Return the row that an event represents, as our own JSON has it.

    Raises:
        InvalidInput: the envelope or the data is not what the specification says.
    """
    if not isinstance(event, dict):
        raise InvalidInput("row", "it is not a JSON object", "Send a CloudEvent for each row.")
    if event.get("specversion") != VERSION:
        found = f"{event.get('specversion')!r}"[:40]
        raise InvalidInput("specversion", f"{found} is not a version that is read", f"Send CloudEvents {VERSION}.")
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise InvalidInput(name, "the attribute is missing or not a text", "CloudEvents 1.0 requires it.")
    data = _data(event)
    if isinstance(data, int | float) and not isinstance(data, bool) and what == "feedback":
        data = {"value": data}
    if not isinstance(data, dict):
        raise InvalidInput("data", "it is not an object", "Send the fields of a row, or for feedback its value.")
    return _filled(what, event, data)


def _filled(what: str, event: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    row = {name: event[attribute] for name, attribute in FIELDS[what].items() if event.get(attribute) is not None}
    if what == "feedback":
        if data.get("prediction_id"):
            row.pop("subject", None)
        # An event is named by both; no source holds a space.
        row["event_id"] = f"{event['source']} {event['id']}"
    return row | data


def _data(event: dict[str, Any]) -> Any:
    """Return what the event says, decoded.

    Raises:
        InvalidInput: it is not JSON.
    """
    if not _is_json(event.get("datacontenttype") or "application/json"):
        remedy = "Send the data as application/json."
        raise InvalidInput("datacontenttype", f"{str(event['datacontenttype'])[:60]!r} is not read", remedy)
    packed = event.get("data_base64")
    if packed is None:
        return event.get("data")
    try:
        return json.loads(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError) as err:
        raise InvalidInput("data_base64", "it is not JSON in base64", "Send the data as it is, in data.") from err
