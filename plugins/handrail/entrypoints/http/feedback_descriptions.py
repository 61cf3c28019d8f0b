"""How OpenAPI describes the bodies that predictions and feedback come in, with whole examples."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from handrail.entrypoints.http.feedback_formats import FORMATS, JSON, NDJSON
from handrail.entrypoints.http.feedback_messages import MAX_BATCH, FeedbackMessage, PredictionMessage
from handrail.entrypoints.http.feedback_otlp import PROTOBUF

_PREDICTION = {
    "prediction_id": "5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11",
    "deployment": "deploy://local/espresso/1",
    "subject": "machine-7",
    "made_at": "2013-08-01T08:00:00Z",
    "score": 0.31,
    "label": 0,
}
_NEXT = {"prediction_id": "c7a1f0de-3f52-5b9e-8f43-0f8f6f2b9e02", "subject": "machine-9"}
PREDICTION_EXAMPLES: dict[str, Any] = {
    "one prediction": {"value": _PREDICTION},
    "several predictions": {"value": {"predictions": [_PREDICTION, _PREDICTION | _NEXT]}},
}
_EVENT = {
    "prediction_id": "5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11",
    "kind": "ground_truth",
    "value": 1,
    "source": "outcome-feed",
    "occurred_at": "2013-08-01T13:05:00Z",
}
_CORRECTION = _EVENT | {"value": 0, "revision": 1}
EXAMPLES: dict[str, Any] = {
    "one event": {"value": _EVENT},
    "several events": {"value": {"events": [_EVENT, _CORRECTION]}},
    "an event taken back": {"value": _EVENT | {"value": None, "revision": 2, "retracts": True}},
}
"""Whole bodies; the kind is one that config/feedback.yaml of the reference project declares."""

_SHAPES: dict[str, tuple[type[BaseModel], str, dict[str, Any]]] = {
    "prediction": (PredictionMessage, "predictions", PREDICTION_EXAMPLES),
    "feedback": (FeedbackMessage, "events", EXAMPLES),
}


def body_of(what: str) -> dict[str, Any]:
    """Return the description of the body of a request with `what`, prediction or feedback, in every format."""
    message, batch, examples = _SHAPES[what]
    one = message.model_json_schema()
    several = {
        "type": "object",
        "properties": {batch: {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_BATCH}},
        "required": [batch],
        "additionalProperties": False,
    }
    content: dict[str, Any] = {media: {"schema": {"type": "string", "format": "binary"}} for media in FORMATS}
    content[JSON] = {"schema": {"anyOf": [one, several]}, "examples": examples}
    content[NDJSON] = {"schema": {"type": "string", "description": "a JSON object a line"}}
    return {"requestBody": {"required": True, "content": content}}


def _attributes(**values: str | float) -> list[dict[str, Any]]:
    """Return attributes as OTLP's JSON writes them; `__` is a dot."""
    return [
        {"key": name.replace("__", "."), "value": {"stringValue" if isinstance(value, str) else "doubleValue": value}}
        for name, value in values.items()
    ]


_RESOURCE = {"attributes": _attributes(service__name="outcome-feed")}
_RESULT = {
    "timeUnixNano": "1375362300000000000",
    "eventName": "gen_ai.evaluation.result",
    "attributes": _attributes(
        handrail__prediction_id=str(_EVENT["prediction_id"]),
        gen_ai__evaluation__name="ground_truth",
        gen_ai__evaluation__score__value=1.0,
    ),
}
_SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "answer",
    "endTimeUnixNano": "1375362300000000000",
    "attributes": _attributes(annotations__0__annotation__name="ground_truth", annotations__0__annotation__score=1.0),
}
OTLP_EXAMPLES: dict[str, dict[str, Any]] = {
    "logs": {"resourceLogs": [{"resource": _RESOURCE, "scopeLogs": [{"logRecords": [_RESULT]}]}]},
    "traces": {"resourceSpans": [{"resource": _RESOURCE, "scopeSpans": [{"spans": [_SPAN]}]}]},
}


def otlp_body(signal: str) -> dict[str, Any]:
    """Return the description of the body of a request of OTLP with that signal, logs or traces."""
    content = {
        JSON: {
            "schema": {"type": "object", "description": "a request of OTLP as its JSON"},
            "examples": {f"an evaluation in {signal}": {"value": OTLP_EXAMPLES[signal]}},
        },
        PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"requestBody": {"required": True, "content": content}}
