"""What a client is answered that sent predictions or feedback: what became of each row, in a size that fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from handrail.entrypoints.http.feedback_decoded import media_type
from handrail.entrypoints.http.feedback_messages import MAX_BATCH
from handrail.entrypoints.http.feedback_otlp import JSON
from handrail.entrypoints.http.problems import Rejection
from handrail.feedback import Prediction, Receipt, Rejected

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from handrail.entrypoints.http.feedback_decoded import Row
    from handrail.entrypoints.http.feedback_otlp import Found

MOST_NAMED = 1_000
"""Refused rows and conflicts that an answer names; quarantine has all of them."""
REMEDIES = {
    "feedback": "Send a correction as a new event with a higher revision.",
    "prediction": "Send another answer as a prediction with an id of its own.",
}
NOUNS = {"feedback": "event", "prediction": "prediction"}


class _Counts(BaseModel):
    accepted: int = Field(description="newly recorded, on disk")
    repeated: int = Field(description="already recorded; nothing changed")
    rows: int | None = Field(default=None, description=f"of more than {MAX_BATCH:,} rows: how many came")
    first_id: str | None = Field(default=None, description="then, instead of all ids: that of the first recorded row")
    last_id: str | None = Field(default=None, description="and that of the last one")


class PredictionReceipt(_Counts):
    """What was done with the predictions."""

    prediction_ids: list[str] = Field(default=[], description="the id of each prediction, in the order sent")


class ReceiptMessage(_Counts):
    """What was done with the events."""

    model_config = ConfigDict(title="Receipt")

    event_ids: list[str] = Field(default=[], description="the id of each event, in the order sent")


class ProblemMessage(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str
    request_id: str


def respond(request: Request, what: str, rows: Sequence[Row], receipt: Receipt) -> Response:
    """Return the answer to rows that were recorded as `receipt` says.

    201: something is new; 200: everything was known; 409: an id came with another body; 422: rows were set aside.
    """
    from fastapi.responses import JSONResponse

    from handrail.entrypoints.http.apps import answer

    said = {"accepted": receipt.accepted, "repeated": receipt.repeated} | _ids(request, what, rows, receipt)
    if not (receipt.refused or receipt.conflicts):
        return JSONResponse(said, int(HTTPStatus.CREATED if receipt.accepted else HTTPStatus.OK))
    if receipt.conflicts:
        said |= {"conflicts": list(receipt.conflicts[:MOST_NAMED])} | _more("conflicts", receipt.conflicts)
    if not receipt.refused:
        return answer(request, Rejection(HTTPStatus.CONFLICT, _clash(what, receipt)), **said)
    refused = [
        {"index": each.index, "reason": str(each.reason), "field": each.field, "detail": each.problem}
        for each in receipt.refused[:MOST_NAMED]
    ]
    first = receipt.refused[0]
    detail = (
        f"{len(receipt.refused)} of {len(rows)} rows are not recorded; row {first.index}: {first.problem.rstrip('.')}. "
        f"They are in quarantine, and the others are recorded. {_clash(what, receipt)}"
    )
    rejection = Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, detail.rstrip())
    return answer(request, rejection, **said, refused=refused, **_more("refused", receipt.refused))


REJECTED = {"logs": "rejectedLogRecords", "traces": "rejectedSpans"}


def respond_to_exporter(request: Request, signal: str, found: Found, receipt: Receipt) -> Response:
    """Return the answer of OTLP: 200, and how many records were not recorded as feedback, with the reason."""
    from fastapi.responses import Response

    left_out = len(receipt.refused) + len(receipt.conflicts)
    sentences = [f"{found.others:,} are not feedback and were not recorded."] if found.others else []
    if left_out:
        sentences.append(f"{left_out:,} are in quarantine.")
    sentences += [each.problem for each in receipt.refused[:1]]
    sentences += [_clash("feedback", receipt)] if receipt.conflicts else []
    partial = {REJECTED[signal]: str(found.others + left_out), "errorMessage": " ".join(sentences)} if sentences else {}
    media = media_type(request.headers.get("content-type", "")) or JSON
    return Response(_exported(media, signal, partial), media_type=media)


def _exported(media: str, signal: str, partial: dict[str, str]) -> bytes:
    document = {"partialSuccess": partial} if partial else {}
    if media == JSON:
        return json.dumps(document).encode()
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    message: Any = ExportLogsServiceResponse() if signal == "logs" else ExportTraceServiceResponse()
    ParseDict(document, message)
    return bytes(message.SerializeToString())


def _more(name: str, found: Sequence[Any]) -> dict[str, int]:
    left = len(found) - MOST_NAMED
    return {f"more_{name}": left} if left > 0 else {}


def _ids(request: Request, what: str, rows: Sequence[Row], receipt: Receipt) -> dict[str, Any]:
    """Return the ids of all rows where they are few or asked for, else how many there were, the first and the last."""
    left_out = {each.index for each in receipt.refused}
    if len(rows) <= MAX_BATCH or wants_all_ids(request):
        ids = [None if place in left_out else _id_of(row) for place, row in enumerate(rows)]
        return {f"{NOUNS[what]}_ids": ids}
    kept = (row for place, row in enumerate(rows) if place not in left_out)
    first = next(kept, None)
    last = next((rows[place] for place in reversed(range(len(rows))) if place not in left_out), None)
    named = {"rows": len(rows), "first_id": _id_of(first), "last_id": _id_of(last)}
    return {name: value for name, value in named.items() if value is not None}


def wants_all_ids(request: Request) -> bool:
    """Whether a client asks for the id of every row, however many they are (RFC 7240)."""
    return "return=representation" in request.headers.get("prefer", "").replace(" ", "")


def _id_of(row: Row | None) -> str | None:
    if row is None or isinstance(row, Rejected):
        return None
    return row.prediction_id if isinstance(row, Prediction) else row.key


def _clash(what: str, receipt: Receipt) -> str:
    if not receipt.conflicts:
        return ""
    shown = ", ".join(receipt.conflicts[:3])
    return (
        f"{len(receipt.conflicts)} {NOUNS[what]} ids came before with another body: {shown}. The first bodies stand, "
        f"the new ones are quarantined. {REMEDIES[what]}"
    )
