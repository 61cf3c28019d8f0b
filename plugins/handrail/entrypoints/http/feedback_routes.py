"""The routes that take predictions and feedback, for every application that has them: read, record, answer."""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from handrail.bootstrap import Platform
from handrail.entrypoints.http.feedback_answers import (
    PredictionReceipt,
    ProblemMessage,
    ReceiptMessage,
    respond,
    respond_to_exporter,
    wants_all_ids,
)
from handrail.entrypoints.http.feedback_bodies import read_body
from handrail.entrypoints.http.feedback_callers import Caller, allowed, allows_all
from handrail.entrypoints.http.feedback_decoded import Body, Events, Row
from handrail.entrypoints.http.feedback_descriptions import body_of, otlp_body
from handrail.entrypoints.http.feedback_formats import decode
from handrail.entrypoints.http.feedback_otlp import SIGNALS, read_otlp
from handrail.errors import MissingTool
from handrail.feedback import Feedback, Prediction

try:
    from fastapi import APIRouter, Depends, Request
    from fastapi.responses import Response
    from starlette.concurrency import run_in_threadpool

    from handrail.entrypoints.http.apps import describe
except ImportError as err:
    raise MissingTool("fastapi", "server") from err


PROBLEMS = describe(
    {
        400: "the body cannot be read; nothing is recorded",
        401: "the caller is not known",
        403: "the caller's token does not allow it",
        409: "an id came again with another body; that body is quarantined, the others are recorded",
        413: "the body is larger than the setting feedback_max_bytes, packed or unpacked, or has too many rows",
        415: "the media type or the Content-Encoding is not taken; the answer names those that are",
        422: "a field is missing, unknown or wrong; of a batch the rows at fault are named, the others are recorded",
        429: "too much waits to be written; nothing is recorded, send it again after the seconds of Retry-After",
        503: "the store is not there; nothing is recorded",
    },
    ProblemMessage.model_json_schema(),
)


@dataclass(frozen=True, slots=True)
class Door:
    """A route that takes rows: which, as the description calls it, and the receipt."""

    what: str
    path: str
    summary: str
    explanation: str
    receipt: Any


DOORS = (
    Door(
        "prediction",
        "/predictions",
        "Record predictions",
        "Record what a service answered; before or after feedback about it, and as often as you like.",
        PredictionReceipt,
    ),
    Door(
        "feedback",
        "/feedback",
        "Report what is known about predictions",
        "Record what is known about predictions; before or after them, and as often as you like.",
        ReceiptMessage,
    ),
)


OTLP = (
    "Record evaluations and annotations of log records and spans as feedback. The answer is 200 with `partialSuccess` "
    "where some are in quarantine or not feedback."
)


def feedback_routes(platform: Platform, caller: Callable[..., Caller], prefixes: Sequence[str]) -> APIRouter:
    """Make the routes below each of `prefixes`; `caller` is a dependency that returns who calls, or refuses."""
    router = APIRouter()
    for prefix in prefixes:
        for door in DOORS:
            router.add_api_route(
                prefix + door.path,
                _taking(platform, caller, door),
                methods=["POST"],
                summary=door.summary,
                description=door.explanation,
                status_code=201,
                response_model=door.receipt,
                responses={**PROBLEMS, 200: {"model": door.receipt, "description": "nothing was new"}},
                openapi_extra=body_of(door.what),
            )
        for signal in SIGNALS if prefix else ():
            router.add_api_route(
                f"{prefix}/{signal}",
                _exporting(platform, caller, signal),
                methods=["POST"],
                summary=f"Take OTLP {signal}",
                description=OTLP,
                responses=PROBLEMS,
                openapi_extra=otlp_body(signal),
            )
    return router


def _exporting(platform: Platform, caller: Callable[..., Caller], signal: str) -> Callable[..., Any]:
    def record(sender: Caller, request: Request, content: bytes) -> Response:
        found = read_otlp(_body(platform, "feedback", request, content), signal)
        rows = [allowed(row, sender) for row in found.rows]
        return respond_to_exporter(request, signal, found, platform.feedback.receive(rows, sender.origin))

    async def take(request: Request, sender: Annotated[Caller, Depends(caller)]) -> Response:
        sender.check("feedback")
        content = await read_body(request, platform.settings.feedback_max_bytes)
        return await run_in_threadpool(record, sender, request, content)

    return take


def _taking(platform: Platform, caller: Callable[..., Caller], door: Door) -> Callable[..., Any]:
    async def take(request: Request, sender: Annotated[Caller, Depends(caller)]) -> Response:
        sender.check(door.what)
        content = await read_body(request, platform.settings.feedback_max_bytes)
        return await run_in_threadpool(_record, platform, sender, door.what, request, content)

    return take


def _record(platform: Platform, sender: Caller, what: str, request: Request, content: bytes) -> Response:
    decoded = decode(_body(platform, what, request, content))
    if decoded.alone:
        (row,) = decoded.rows
        return respond(request, what, [row], _record_alone(platform, sender, row))
    if isinstance(decoded.rows, Events) and not wants_all_ids(request) and allows_all(decoded.rows, sender):
        receipt = platform.feedback.receive_events(decoded.rows.columns, sender.origin)
        return respond(request, what, decoded.rows, receipt)
    rows = [allowed(row, sender) for row in decoded.rows]
    return respond(request, what, rows, platform.feedback.receive(rows, sender.origin))


def _body(platform: Platform, what: str, request: Request, content: bytes) -> Body:
    return Body(content, what, platform.event_clock(), request.headers, platform.settings.feedback_max_bytes)


def _record_alone(platform: Platform, sender: Caller, row: Row) -> Any:
    if isinstance(row, Prediction):
        return platform.feedback.record_predictions([row])
    assert isinstance(row, Feedback)
    sender.check_outcome(row.kind, row.source)
    return platform.feedback.record_feedback([row])
