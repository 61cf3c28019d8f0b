"""The HTTP interface of feedback: POST /feedback takes one event, or a batch as `{"events": [...]}`.

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
from handrail.entrypoints.http.feedback_messages import FeedbackBatch, FeedbackMessage
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import MissingTool
from handrail.feedback import Feedback, Receipt

try:
    from fastapi import Body, FastAPI, Request
    from fastapi.responses import JSONResponse, Response

    from handrail.entrypoints.http.apps import answer, answer_with_problems, describe
except ImportError as err:
    raise MissingTool("fastapi", "bentoml") from err

Authenticator = Callable[[Request], bool]
"""Claims that a request comes from somebody who may give feedback."""

NO_AUTHENTICATOR = (
    "The feedback API was mounted without an authenticator, so it lets nobody in. "
    "Mount it with feedback_app(platform, authenticate)."
)
UNKNOWN_CALLER = "The caller is not known. Send the credentials that the host of this API asks for."


def checked_by_host(_request: Request) -> bool:
    """Let every request in: for a host whose own middleware has checked the caller before."""
    return True


class ReceiptMessage(BaseModel):
    """What was done with the events."""

    model_config = ConfigDict(title="Receipt")

    accepted: int = Field(description="newly recorded, on disk")
    repeated: int = Field(description="already recorded; nothing changed")
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
        409: "an event id came again with another body; that body is quarantined, the other events are recorded",
        422: "a field is missing, unknown or wrong; nothing is recorded",
        503: "the store is not there; nothing is recorded",
    },
    ProblemMessage.model_json_schema(),
)


def _shape(body: Any) -> str:
    return "batch" if isinstance(body, dict) and "events" in body else "one"


Events = Annotated[
    Annotated[FeedbackMessage, Tag("one")] | Annotated[FeedbackBatch, Tag("batch")], Discriminator(_shape)
]


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
    app = FastAPI(title="Handrail feedback", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(_Gate, authenticate=authenticate)
    answer_with_problems(app, "POST /feedback takes feedback.")
    responses = {200: {"model": ReceiptMessage, "description": "nothing was new"}, **PROBLEMS}

    add_docs(app)

    @app.post("/feedback", status_code=201, response_model=ReceiptMessage, responses=responses)
    def give_feedback(body: Annotated[Events, Body(openapi_examples=EXAMPLES)], request: Request) -> Response:
        """Record what is known about predictions; before or after them, and as often as you like."""
        messages = body.events if isinstance(body, FeedbackBatch) else [body]
        now = platform.event_clock()
        events = [message.to_event(now) for message in messages]
        return _answer(request, events, platform.feedback.record_feedback(events))

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


def _answer(request: Request, events: Sequence[Feedback], receipt: Receipt) -> Response:
    counts = {"accepted": receipt.accepted, "repeated": receipt.repeated}
    if receipt.conflicts:
        shown = ", ".join(receipt.conflicts[:3])
        detail = (
            f"{len(receipt.conflicts)} event ids came before with another body: {shown}. The first bodies stand, the "
            "new ones are quarantined. Send a correction as a new event with a higher revision."
        )
        conflict = Rejection(HTTPStatus.CONFLICT, detail)
        return answer(request, conflict, **counts, conflicts=list(receipt.conflicts))
    status = HTTPStatus.CREATED if receipt.accepted else HTTPStatus.OK
    return JSONResponse({**counts, "event_ids": [event.key for event in events]}, int(status))
