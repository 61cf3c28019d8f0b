"""The HTTP door of lineage: OpenLineage events in, traces and impacts out; every caller carries a token.

`handrail serve` runs it. Point any OpenLineage producer at it: OPENLINEAGE_URL, OPENLINEAGE_API_KEY=<token>.
"""

# FastAPI reads the annotations at run time, so they stay real.

import uuid
from http import HTTPStatus
from typing import Annotated, Any

from handrail.bootstrap import Platform
from handrail.bootstrap.lineage import open_lineage
from handrail.bootstrap.lineage_events import open_access, open_intake
from handrail.entrypoints.http.lineage_bodies import Rejected, read_documents
from handrail.entrypoints.http.lineage_questions import questions
from handrail.entrypoints.http.problems import MEDIA_TYPE, problem, status_of
from handrail.errors import HandrailError, InvalidInput, MissingTool, Refused, UnknownReference

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse, Response
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_UNKNOWN_CALLER = (
    "The caller is not known. Send Authorization: Bearer <token>; handrail lineage token create <name> makes one."
)
_EVENT = {"oneOf": [{"$ref": f"{SPECIFICATION}#/$defs/{kind}"} for kind in ("RunEvent", "JobEvent", "DatasetEvent")]}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]}}},
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE.decode(): {}}}
    for status, text in {
        400: "no JSON, or a reference that fits several things",
        401: "the caller is not known",
        404: "nothing has that name",
        409: "the events contradict what is recorded: a circle, or one name for two sorts of things",
        413: "one event is larger than 1 MB, or a batch than 10 MB",
        422: "an event is not what the specification says; the answer names the field",
        503: "the store is not there; nothing is recorded",
    }.items()
}


def lineage_app(platform: Platform) -> FastAPI:
    """Make the app over the platform's store."""
    app = FastAPI(title="Handrail lineage", version="1", docs_url=None, redoc_url=None)
    for kind, explain in _EXPLANATIONS.items():
        app.add_exception_handler(kind, explain)
    intake, access = open_intake(platform.settings, platform.store), open_access(platform.store)
    lineage = open_lineage(platform.settings, platform.store, lambda: platform.feedback, in_memory=True)
    bearer = HTTPBearer(auto_error=False)

    def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
        holder = access.holder_of(credentials.credentials) if credentials else None
        if holder is None:
            raise Rejected(HTTPStatus.UNAUTHORIZED, _UNKNOWN_CALLER)
        return holder

    @app.get("/livez", include_in_schema=False)
    def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/api/v1/lineage", status_code=201, responses=_PROBLEMS, openapi_extra=_BODY)
    @app.post("/api/v1/lineage/batch", status_code=201, responses=_PROBLEMS, openapi_extra=_BODY)
    async def receive(request: Request, sender: Annotated[str, Depends(caller)]) -> Response:
        """Record one OpenLineage event, or an array of them: all or none, in any order, as often as you like."""
        documents = await read_documents(request)
        receipt = await run_in_threadpool(intake.receive, documents, sender)
        status = HTTPStatus.CREATED if receipt.accepted else HTTPStatus.OK
        return JSONResponse({"accepted": receipt.accepted, "repeated": receipt.repeated}, int(status))

    app.include_router(questions(lineage, [Depends(caller)], _PROBLEMS))
    return app


def _problem(request: Request, status: HTTPStatus, detail: str, fields: list[dict[str, str]] | None = None) -> Response:
    document = problem(status, detail, request.headers.get("x-request-id") or uuid.uuid4().hex, fields)
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return Response(document, int(status), headers, MEDIA_TYPE.decode())


def _explain_rejection(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return _problem(request, error.status, error.detail)


def _explain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HandrailError)
    status = status_of(error)
    if isinstance(error, Refused):
        status = HTTPStatus.CONFLICT
    if not isinstance(error, InvalidInput):
        return _problem(request, status, str(error))
    if request.method == "POST" and error.field != "body" and not isinstance(error, UnknownReference):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    said = str(error).removeprefix(f"{error.field}: ")
    return _problem(request, status, str(error), [{"field": error.field, "problem": said}])


def _explain_fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    said = f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}."
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, said, [{"field": field, "problem": first["msg"]}])


def _explain_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{error.detail}. Events go to POST /api/v1/lineage, questions to GET /api/v1/lineage/trace and /impact."
    return _problem(request, HTTPStatus(error.status_code), detail)


def _explain_mistake(request: Request, _error: Exception) -> Response:
    """Answer a mistake of ours without its insides; the server's log has them."""
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Handrail made a mistake. Its log says which.")


_EXPLANATIONS = {
    Rejected: _explain_rejection,
    HandrailError: _explain_error,
    RequestValidationError: _explain_fields,
    HTTPException: _explain_http,
    Exception: _explain_mistake,
}
