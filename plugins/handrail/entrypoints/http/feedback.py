"""The HTTP interface of feedback: POST /predictions and POST /feedback, each one object or a batch.

A batch is `{"predictions": [...]}` or `{"events": [...]}`.

Mounted by a host (a bento at /api), which limits bodies. Without an authenticator it refuses every request.
"""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from handrail.bootstrap import Platform
from handrail.entrypoints.http.auth import unknown_caller
from handrail.entrypoints.http.docs_page import add_docs, shows_docs
from handrail.entrypoints.http.feedback_messages import (
    FeedbackBatch,
    FeedbackMessage,
    PredictionBatch,
    PredictionMessage,
    read_event,
    read_prediction,
)
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import MissingTool
from handrail.feedback import Feedback, Prediction, Receipt

try:
    from fastapi import Body, Depends, FastAPI, Request
    from fastapi.responses import JSONResponse, Response
    from fastapi.security import HTTPBearer

    from handrail.entrypoints.http.apps import answer, answer_with_problems, describe
except ImportError as err:
    raise MissingTool("fastapi", "bentoml") from err

Authenticator = Callable[[Request], bool]
"""Claims that a request comes from somebody who may give predictions and feedback."""

NO_AUTHENTICATOR = (
    "The feedback API was mounted without an authenticator, so it lets nobody in. "
    "Mount it with feedback_app(platform, authenticate)."
)
UNKNOWN_CALLER = "The caller is not known. Send the credentials that the host of this API asks for."


def checked_by_host(_request: Request) -> bool:
    """Let every request in: for a host whose own middleware has checked the caller before."""
    return True


class _Counts(BaseModel):
    accepted: int = Field(description="newly recorded, on disk")
    repeated: int = Field(description="already recorded; nothing changed")


class PredictionReceipt(_Counts):
    """What was done with the predictions."""

    prediction_ids: list[str] = Field(description="the id of each prediction, in the order sent")


class ReceiptMessage(_Counts):
    """What was done with the events."""

    model_config = ConfigDict(title="Receipt")

    event_ids: list[str] = Field(description="the id of each event, in the order sent")


class ProblemMessage(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str
    request_id: str


PROBLEMS = describe(
    {
        400: "the body is not JSON; nothing is recorded",
        401: "the caller is not known",
        409: "an id came again with another body; that body is quarantined, the others are recorded",
        422: "a field is missing, unknown or wrong; of a batch the rows at fault are named, the others are recorded",
        429: "too much waits to be written; nothing is recorded, send it again after the seconds of Retry-After",
        503: "the store is not there; nothing is recorded",
    },
    ProblemMessage.model_json_schema(),
)


def _shape(body: Any) -> str:
    return "batch" if isinstance(body, dict) and {"events", "predictions"} & body.keys() else "one"


Events = Annotated[
    Annotated[FeedbackMessage, Tag("one")] | Annotated[FeedbackBatch, Tag("batch")], Discriminator(_shape)
]
Predictions = Annotated[
    Annotated[PredictionMessage, Tag("one")] | Annotated[PredictionBatch, Tag("batch")], Discriminator(_shape)
]

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


def feedback_app(platform: Platform, authenticate: Authenticator | None = None) -> FastAPI:
    """Make the app. `authenticate` decides on each request; without it every request is refused."""
    # The scheme is only described here: `authenticate` decides.
    token = HTTPBearer(auto_error=False, description="the token that the host of this API asks for")
    app = FastAPI(title="Handrail feedback", version="1", docs_url=None, redoc_url=None, dependencies=[Depends(token)])
    app.add_middleware(_Gate, authenticate=authenticate)
    answer_with_problems(app, "POST /predictions takes predictions, POST /feedback what is known about them.")
    add_docs(app)

    @app.post("/predictions", summary="Record predictions", **_answers(PredictionReceipt))
    def give_predictions(
        body: Annotated[Predictions, Body(openapi_examples=PREDICTION_EXAMPLES)], request: Request
    ) -> Response:
        """Record what a service answered; before or after feedback about it, and as often as you like."""
        if isinstance(body, PredictionBatch):
            rows = list(map(read_prediction, body.predictions))
            return _answer(request, "prediction", rows, platform.feedback.receive(rows, "http"))
        row = body.to_prediction()
        return _answer(request, "prediction", [row], platform.feedback.record_predictions([row]))

    @app.post("/feedback", summary="Report what is known about predictions", **_answers(ReceiptMessage))
    def give_feedback(body: Annotated[Events, Body(openapi_examples=EXAMPLES)], request: Request) -> Response:
        """Record what is known about predictions; before or after them, and as often as you like."""
        now = platform.event_clock()
        if isinstance(body, FeedbackBatch):
            rows = [read_event(each, now) for each in body.events]
            return _answer(request, "event", rows, platform.feedback.receive(rows, "http"))
        event = body.to_event(now)
        return _answer(request, "event", [event], platform.feedback.record_feedback([event]))

    return app


class _Gate:
    """Asks the authenticator before anything of the request is read."""

    def __init__(self, app: Any, authenticate: Authenticator | None) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        if self._authenticate is None:
            return await answer(request, Rejection(HTTPStatus.FORBIDDEN, NO_AUTHENTICATOR))(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not (shows_docs(request.method, path) or self._authenticate(request)):
            return await answer(request, unknown_caller(UNKNOWN_CALLER))(scope, receive, send)
        return await self._app(scope, receive, send)


def _answers(receipt: type[BaseModel]) -> dict[str, Any]:
    """Return how a route describes its answers."""
    again = {200: {"model": receipt, "description": "nothing was new"}}
    return {"status_code": 201, "response_model": receipt, "responses": again | PROBLEMS}


REMEDIES = {
    "event": "Send a correction as a new event with a higher revision.",
    "prediction": "Send another answer as a prediction with an id of its own.",
}


def _answer(request: Request, what: str, rows: Sequence[Any], receipt: Receipt) -> Response:
    counts = {"accepted": receipt.accepted, "repeated": receipt.repeated}
    left_out = {each.index for each in receipt.refused}
    ids = {f"{what}_ids": [None if place in left_out else _id_of(row) for place, row in enumerate(rows)]}
    if not (receipt.refused or receipt.conflicts):
        status = HTTPStatus.CREATED if receipt.accepted else HTTPStatus.OK
        return JSONResponse({**counts, **ids}, int(status))
    clashing = {"conflicts": list(receipt.conflicts)} if receipt.conflicts else {}
    if not receipt.refused:
        return answer(request, Rejection(HTTPStatus.CONFLICT, _clash(what, receipt)), **counts, **clashing)
    refused = [
        {"index": each.index, "reason": str(each.reason), "field": each.field, "detail": each.problem}
        for each in receipt.refused
    ]
    first = receipt.refused[0]
    detail = (
        f"{len(refused)} of {len(rows)} rows are not recorded; row {first.index}: {first.problem.rstrip('.')}. They "
        f"are in quarantine, and the others are recorded. {_clash(what, receipt)}"
    )
    rejection = Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, detail.rstrip())
    return answer(request, rejection, **counts, **ids, **clashing, refused=refused)


def _id_of(row: Prediction | Feedback) -> str:
    return row.prediction_id if isinstance(row, Prediction) else row.key


def _clash(what: str, receipt: Receipt) -> str:
    if not receipt.conflicts:
        return ""
    shown = ", ".join(receipt.conflicts[:3])
    return (
        f"{len(receipt.conflicts)} {what} ids came before with another body: {shown}. The first bodies stand, the "
        f"new ones are quarantined. {REMEDIES[what]}"
    )
