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
)
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import MissingTool
from handrail.feedback import Receipt

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
        422: "a field is missing, unknown or wrong; nothing is recorded",
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
        messages = body.predictions if isinstance(body, PredictionBatch) else [body]
        rows = [message.to_prediction() for message in messages]
        ids = [row.prediction_id for row in rows]
        return _answer(request, "prediction", ids, platform.feedback.record_predictions(rows))

    @app.post("/feedback", summary="Report what is known about predictions", **_answers(ReceiptMessage))
    def give_feedback(body: Annotated[Events, Body(openapi_examples=EXAMPLES)], request: Request) -> Response:
        """Record what is known about predictions; before or after them, and as often as you like."""
        messages = body.events if isinstance(body, FeedbackBatch) else [body]
        now = platform.event_clock()
        events = [message.to_event(now) for message in messages]
        return _answer(request, "event", [event.key for event in events], platform.feedback.record_feedback(events))

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


def _answer(request: Request, what: str, ids: Sequence[str], receipt: Receipt) -> Response:
    counts = {"accepted": receipt.accepted, "repeated": receipt.repeated}
    if receipt.conflicts:
        shown = ", ".join(receipt.conflicts[:3])
        detail = (
            f"{len(receipt.conflicts)} {what} ids came before with another body: {shown}. The first bodies stand, the "
            f"new ones are quarantined. {REMEDIES[what]}"
        )
        conflict = Rejection(HTTPStatus.CONFLICT, detail)
        return answer(request, conflict, **counts, conflicts=list(receipt.conflicts))
    status = HTTPStatus.CREATED if receipt.accepted else HTTPStatus.OK
    return JSONResponse({**counts, f"{what}_ids": list(ids)}, int(status))
