"""OTLP over HTTP: evaluations and annotations in log records and spans become feedback about what they were made of.

Read are the event `gen_ai.evaluation.result` (OpenTelemetry, conventions for generative AI) and the annotations and
evaluations of OpenInference. Anything else in a request is counted, and not recorded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.feedback_decoded import Body, Row, media_type, parse
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput
from handrail.feedback import Reason, Rejected

JSON, PROTOBUF = "application/json", "application/x-protobuf"
EVENT = "gen_ai.evaluation.result"
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
SIGNALS = {"logs": ("resourceLogs", "scopeLogs", "logRecords"), "traces": ("resourceSpans", "scopeSpans", "spans")}

FIELDS: Mapping[str, tuple[str, ...]] = {
    "prediction_id": ("handrail.prediction_id", "gen_ai.response.id"),
    "kind": ("gen_ai.evaluation.name",),
    "value": ("gen_ai.evaluation.score.value",),
    "source": ("handrail.source",),
    "event_id": ("log.record.uid",),
    "revision": ("handrail.revision",),
    "item": ("handrail.item",),
}
"""Which attributes represent a field, the first that is there. Without one a prediction is named by its span,
`<trace id>-<span id>` in hex, and the source is `service.name` of the resource, else the name of the scope."""
ANNOTATED: Mapping[str, str] = {"name": "kind", "score": "value", "identifier": "item"}
"""Which part of an OpenInference annotation represents a field."""
_ANNOTATION = re.compile(r"(annotations|evaluations)\.(\d{1,9})\.(annotation|evaluation)\.([a-z_]{1,40})")


@dataclass(frozen=True, slots=True)
class Record:
    """A log record, a span or an event of a span, whatever carried it."""

    name: str
    attributes: Mapping[str, Any]
    nanoseconds: int
    span: str
    source: str


@dataclass(slots=True)
class Found:
    """The rows of a request, and how many of its records are not feedback."""

    rows: list[Row] = field(default_factory=list)
    others: int = 0


def read_otlp(body: Body, signal: str) -> Found:
    """Read a request of OTLP; `signal` is logs or traces.

    Raises:
        Rejection: the media type is not taken (415).
        InvalidInput: the body is not such a request.
    """
    found = Found()
    for record in _records(_document(body, signal), signal):
        results = list(_results(record))
        found.others += not results
        found.rows += [_row(body, record, said) for said in results]
    return found


def _document(body: Body, signal: str) -> Any:
    media = media_type(body.headers.get("content-type", "")) or JSON
    if media == JSON:
        return parse(body.content)
    if media != PROTOBUF:
        detail = f"OTLP is {PROTOBUF} or {JSON}, not {media[:60]!r}; nothing was recorded."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [("accept-post", f"{PROTOBUF}, {JSON}")])
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ImportError as err:
        detail = f"This server reads OTLP as {JSON} alone. For {PROTOBUF} install opentelemetry-proto."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [("accept-post", JSON)]) from err
    message: Any = ExportLogsServiceRequest() if signal == "logs" else ExportTraceServiceRequest()
    try:
        message.ParseFromString(body.content)
        document = MessageToDict(message)
    except (DecodeError, ValueError, RecursionError) as err:
        raise InvalidInput("body", f"it is not an OTLP request with {signal}", "Nothing was recorded.") from err
    return _with_hex_ids(document)


def _with_hex_ids(document: Any) -> Any:
    """Write trace and span ids in hex, as OTLP's own JSON does; protobuf's JSON has base64."""
    if isinstance(document, list):
        return [_with_hex_ids(each) for each in document]
    if not isinstance(document, dict):
        return document
    ids = ("traceId", "spanId")
    return {key: base64.b64decode(each).hex() if key in ids else _with_hex_ids(each) for key, each in document.items()}


def _records(document: Any, signal: str) -> Iterator[Record]:
    resources, scopes, records = SIGNALS[signal]
    for resource in _list(_object(document, "body"), resources):
        about = _attributes(_object(resource.get("resource") or {}, "resource"))
        for scope in _list(resource, scopes):
            named = _object(scope.get("scope") or {}, "scope").get("name")
            source = str(about.get("service.name") or named or "")
            for record in _list(scope, records):
                yield from _logged(record, source) if signal == "logs" else _traced(record, source)


def _logged(record: dict[str, Any], source: str) -> Iterator[Record]:
    attributes = _attributes(record)
    name = str(record.get("eventName") or attributes.get("event.name") or "")
    moment = _whole(record.get("timeUnixNano")) or _whole(record.get("observedTimeUnixNano"))
    yield Record(name, attributes, moment, _span(record), source)


def _traced(span: dict[str, Any], source: str) -> Iterator[Record]:
    yield Record("", _attributes(span), _whole(span.get("endTimeUnixNano")), _span(span), source)
    for event in _list(span, "events"):
        if event.get("name") == EVENT:
            yield Record(EVENT, _attributes(event), _whole(event.get("timeUnixNano")), _span(span), source)


def _results(record: Record) -> Iterator[dict[str, Any]]:
    """Yield what a record says of each criterion, by our fields, beside a label and an explanation."""
    said = record.attributes
    if record.name == EVENT:
        named = {name: next((said[key] for key in keys if key in said), None) for name, keys in FIELDS.items()}
        yield named | {"label": said.get("gen_ai.evaluation.score.label"), "error": said.get("error.type")}
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for key, value in said.items():
        matched = _ANNOTATION.fullmatch(key)
        if matched and matched[1] == f"{matched[3]}s":
            parts.setdefault((matched[1], matched[2]), {})[ANNOTATED.get(matched[4], matched[4])] = value
    for part in parts.values():
        yield {name: said[keys[0]] for name, keys in FIELDS.items() if keys[0] in said and name != "event_id"} | part


def _row(body: Body, record: Record, said: dict[str, Any]) -> Row:
    value = said.get("value")
    row = {name: said[name] for name in FIELDS if said.get(name) is not None}
    row.setdefault("prediction_id", record.span)
    row.setdefault("source", record.source)
    row["value"] = _number(value)
    if record.nanoseconds:
        row["occurred_at"] = (EPOCH + timedelta(microseconds=record.nanoseconds // 1_000)).isoformat()
    if value is None:
        instead = said.get("label") or said.get("error") or "nothing"
        problem = f"value: the evaluation has {str(instead)[:60]!r} and no score. Send a number."
        return Rejected("feedback", Reason.MALFORMED, "value", problem, row | {"label": instead})
    return body.read(row)


def _number(value: Any) -> Any:
    """Return a score as a number: some producers write it as text, and OTLP writes true and whole numbers so."""
    if isinstance(value, bool):
        return int(value)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _span(record: dict[str, Any]) -> str:
    trace, span = str(record.get("traceId") or ""), str(record.get("spanId") or "")
    return f"{trace}-{span}" if trace.strip("0") and span.strip("0") else ""


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {str(each.get("key")): _value(each.get("value")) for each in _list(holder, "attributes")}


def _value(said: Any) -> Any:
    """Return the value of an attribute; lists and maps of values are nothing that is read."""
    if not isinstance(said, dict):
        return None
    if "intValue" in said:
        return _whole(said["intValue"])
    return next((said[name] for name in ("stringValue", "doubleValue", "boolValue") if name in said), None)


def _whole(said: Any) -> int:
    """Return a 64-bit number, which JSON writes as text or as a number; 0 is none.

    Raises:
        InvalidInput: it is neither.
    """
    text = str(said if said is not None else 0)
    if isinstance(said, bool) or not re.fullmatch(r"-?\d{1,20}", text) or abs(int(text)) >= 2**63:
        raise InvalidInput("body", f"{text[:40]!r} is not a whole number of 64 bits", "Nothing was recorded.")
    return int(text)


def _object(said: Any, name: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise InvalidInput("body", f"{name} is not an object", "Send a request of OTLP; nothing was recorded.")
    return said


def _list(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise InvalidInput("body", f"{name} is not a list", "Send a request of OTLP; nothing was recorded.")
    return [_object(each, name) for each in found]
