"""What `handrail serve` answers: OpenLineage events in, traces and impacts out, feedback in, pages for people.

Every caller carries a token, or has logged in with one.

`handrail serve` runs it. Point any OpenLineage producer at it: OPENLINEAGE_URL, OPENLINEAGE_API_KEY=<token>.
"""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from handrail.bootstrap import Platform
from handrail.bootstrap.lineage import open_lineage
from handrail.bootstrap.lineage_events import open_access, open_intake
from handrail.entrypoints.http.auth import is_bearer, unknown_caller
from handrail.entrypoints.http.docs_page import add_docs
from handrail.entrypoints.http.lineage_bodies import read_documents
from handrail.entrypoints.http.lineage_questions import questions
from handrail.errors import MissingTool
from handrail.lineage import IntakeResult, TokenRecord

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.responses import JSONResponse, Response
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
    from starlette.concurrency import run_in_threadpool

    from handrail.entrypoints.http.apps import answer_with_problems, describe
    from handrail.entrypoints.http.console import add_console
    from handrail.entrypoints.http.feedback_callers import Caller
    from handrail.entrypoints.http.feedback_links import add_links
    from handrail.entrypoints.http.feedback_metrics import metrics
    from handrail.entrypoints.http.feedback_routes import feedback_routes
    from handrail.entrypoints.http.rollout_hooks import rollout_hooks
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
MOST_NOTES = 100
_UNKNOWN_CALLER = (
    "The caller is not known. Send Authorization: Bearer <token>; handrail lineage token create <name> makes one."
)
_PATHS = (
    "Events go to POST /api/v1/lineage, questions to GET /api/v1/lineage/trace and /impact, "
    "predictions to POST /v1/predictions and what is known about them to POST /v1/feedback."
)
# A page that shows the description cannot read the specification itself: no other host is asked.
_EVENT = {"type": "object", "description": f"a RunEvent, JobEvent or DatasetEvent of {SPECIFICATION}"}
_EXAMPLE = {
    "eventType": "COMPLETE",
    "eventTime": "2025-01-15T12:00:00Z",
    "producer": "https://example.com/nightly",
    "schemaURL": f"{SPECIFICATION}#/$defs/RunEvent",
    "run": {"runId": "01939b5e-2f00-7000-8000-000000000001"},
    "job": {"namespace": "nightly", "name": "clean_orders"},
    "inputs": [{"namespace": "s3://shop", "name": "raw/orders"}],
    "outputs": [{"namespace": "s3://shop", "name": "clean/orders"}],
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]},
                "examples": {
                    "one event": {"value": _EXAMPLE},
                    "several events": {"value": [_EXAMPLE | {"eventType": "START"}, _EXAMPLE]},
                },
            }
        },
    }
}
_PROBLEMS = describe(
    {
        400: "not JSON, or a reference that fits several things",
        401: "the caller is not known",
        403: "the caller's token does not allow it",
        404: "nothing has that name",
        409: "the events contradict what is recorded: a circle, or one name for two sorts of things",
        413: "the request is larger than the setting lineage_max_bytes, 25 MB by default",
        422: "an event is not what the specification says; the answer names the field",
        503: "the store is not there; nothing is recorded",
    }
)
_EVENTS: dict[str, Any] = {"status_code": 201, "responses": _PROBLEMS, "openapi_extra": _BODY}


def _to_json(result: IntakeResult) -> dict[str, Any]:
    answer: dict[str, Any] = {"accepted": result.accepted, "repeated": result.repeated}
    if result.notes:
        answer["notes"] = [{"field": note.field, "note": note.sentence} for note in result.notes[:MOST_NOTES]]
    if len(result.notes) > MOST_NOTES:
        answer["more_notes"] = len(result.notes) - MOST_NOTES
    return answer


class _Holder(Caller):
    """The holder of a token, which says what of feedback it may send."""

    def __init__(self, record: TokenRecord) -> None:
        self._record = record
        self.origin = f"http {record.name}"

    def check(self, what: str) -> None:
        """Refuse rows of a sort for which the token was not made."""
        scope, holder = self._record.scope, self._record.holder
        return scope.check_prediction(holder) if what == "prediction" else scope.check_report(holder)

    def check_outcome(self, kind: str, source: str) -> None:
        """Refuse an event of a kind or a source for which the token was not made."""
        self._record.scope.check_outcome(kind, source, self._record.holder)


def _watcher(platform: Platform, caller: Callable[..., TokenRecord]) -> Callable[..., None]:
    """Return who reads metrics: a token that may ask, and the one that collects those of the gate."""

    def watcher(request: Request) -> None:
        token, header = platform.settings.metrics_token, request.headers.get("authorization")
        if token is not None and is_bearer(header, token.get_secret_value()):
            return
        scheme, _, secret = (header or "").partition(" ")
        known = caller(HTTPAuthorizationCredentials(scheme=scheme, credentials=secret) if secret else None)
        known.scope.check_question(known.holder)

    return watcher


def lineage_app(platform: Platform) -> FastAPI:
    """Make the app over the platform's store."""
    app = FastAPI(title="Handrail lineage", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, _PATHS)
    add_docs(app)
    intake, access = open_intake(platform.settings, platform.store), open_access(platform.store)
    lineage = open_lineage(platform.settings, platform.store, lambda: platform.feedback, in_memory=True)
    bearer = HTTPBearer(auto_error=False)

    def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> TokenRecord:
        found = access.find(credentials.credentials) if credentials else None
        if found is None:
            raise unknown_caller(_UNKNOWN_CALLER)
        return found

    def asker(known: Annotated[TokenRecord, Depends(caller)]) -> None:
        known.scope.check_question(known.holder)

    def holder(known: Annotated[TokenRecord, Depends(caller)]) -> Caller:
        return _Holder(known)

    @app.get("/livez", include_in_schema=False)
    def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/api/v1/lineage", summary="Record OpenLineage events", **_EVENTS)
    @app.post("/api/v1/lineage/batch", summary="Record OpenLineage events, for clients that send batches", **_EVENTS)
    async def receive(request: Request, sender: Annotated[TokenRecord, Depends(caller)]) -> Response:
        """Record one OpenLineage event, or an array of them: all or none, in any order, as often as you like.

        `notes` name what of an event was not read, or was read in another way than it was written.
        """
        documents = await read_documents(request, platform.settings.lineage_max_bytes)
        result = await run_in_threadpool(intake.receive, documents, sender.holder, sender.scope)
        status = HTTPStatus.CREATED if result.accepted else HTTPStatus.OK
        return JSONResponse(_to_json(result), int(status))

    add_console(app, platform, lineage, access)
    add_links(app, platform)
    app.include_router(feedback_routes(platform, holder, ("/v1",)))
    app.include_router(metrics(platform, [Depends(_watcher(platform, caller))], _PROBLEMS))
    app.include_router(rollout_hooks(platform, access.find, _PROBLEMS))
    app.include_router(questions(platform, lineage, [Depends(asker)], _PROBLEMS))
    return app
