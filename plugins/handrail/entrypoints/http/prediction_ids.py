"""One line of middleware by which any ASGI service gives its predictions an id and records them.

    app.add_middleware(PredictionIds, deployment="espresso/1")

It needs no framework: it is plain ASGI, for FastAPI, Starlette, Litestar, Quart, Django and what else speaks it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.serving import read_deployment, record_deployment
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.hosts.spooling import PATIENCE_S, Recorder
from handrail.entrypoints.http.problems import MEDIA_TYPE, problem, status_of
from handrail.errors import HandrailError, InvalidInput, Unavailable
from handrail.feedback import Prediction
from handrail.settings import Settings, load_settings

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEADER = "x-prediction-id"
BEGIN_ANSWER = ("http.response.start", "websocket.accept")
FIELDS = ("features_digest", "feature_service", "variant", "propensity", "sampled", "degraded")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_log = logging.getLogger("handrail.feedback")


@dataclass(slots=True)
class _Request:
    """What one request shares with every thread and task that answers it."""

    prediction_id: str
    owner: PredictionIds
    began: float = field(default_factory=time.perf_counter)
    named: str = ""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def next_id(self) -> str:
        """Return the id of the request for its first prediction, with -2, -3, ... for the others."""
        number = next(self._numbers)
        return self.prediction_id if number == 1 else f"{self.prediction_id}-{number}"


_CURRENT: ContextVar[_Request | None] = ContextVar("handrail_prediction", default=None)


class PredictionIds:
    """ASGI middleware: an id for each request, in the header of its answer, under which its prediction is recorded."""

    def __init__(  # noqa: PLR0913 - the options of the one line
        self,
        app: App,
        deployment: str,
        *,
        serves: str = "",
        settings: Settings | None = None,
        from_caller: bool = False,
        required: bool = False,
    ) -> None:
        """Record the predictions of `app` as those of `deployment`: SERVICE/VERSION, or its whole deploy:// URI.

        `serves` is the registered model version behind it, such as models:/espresso/7; it is recorded once, at the
        start. `settings` are those of the project around the current folder if None. With `from_caller` the header
        x-prediction-id of a request is its id: only behind a proxy that sets it, since whoever may choose an id may
        take that of another prediction. With `required` what cannot be recorded is answered with 503; else the
        answer leaves without an id, and the log says why.

        Raises:
            InvalidInput: `deployment` is no name of one.
            Misconfigured: a setting of the project cannot be used.
        """
        self._app = app
        self._recorder = Recorder(settings or load_settings())
        self._deployment = read_deployment(deployment, self._recorder.settings.environment).uri
        self._serves, self._from_caller, self._required = serves, from_caller, required

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, self._around_life(send))
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        request = _Request(self._id_of(scope), self)
        answer = _Answer(request, send)
        token = _CURRENT.set(request)
        try:
            await self._app(scope, receive, answer.send)
        except Unavailable as err:
            if not self._required or answer.has_begun or scope["type"] != "http":
                raise
            await answer.refuse(err)
        finally:
            _CURRENT.reset(token)
        return None

    def record(self, request: _Request, prediction: Callable[[], Prediction]) -> str | None:
        """Keep the prediction of a request; return its id, None if it could not be kept and need not be.

        Raises:
            HandrailError: it could not be kept, and is required.
        """
        try:
            made = prediction()
            self._recorder.keep(made)
        except HandrailError as err:
            if self._required:
                raise
            _log.warning("A prediction is not recorded. %s", err)
            return None
        request.named = request.named or made.prediction_id
        return made.prediction_id

    def predict(self, request: _Request, subject: str, score: float, label: int, **more: Any) -> Prediction:
        """Return the prediction of a request as it is recorded.

        Raises:
            InvalidInput: a value is not what a prediction has.
        """
        unknown = next((name for name in more if name not in FIELDS), None)
        if unknown is not None:
            raise InvalidInput(unknown, "a prediction has no such field", f"Those there are: {', '.join(FIELDS)}.")
        return Prediction(
            prediction_id=request.next_id(),
            deployment=self._deployment,
            subject=subject,
            made_at=self._recorder.now(),
            score=score,
            label=label,
            latency_ms=(time.perf_counter() - request.began) * 1e3,
            **more,
        )

    def _id_of(self, scope: Message) -> str:
        given = [text for name, text in scope.get("headers", ()) if name.lower() == HEADER.encode()]
        if self._from_caller and len(given) == 1 and _ID.fullmatch(text := given[0].decode("latin-1")):
            return text
        return str(uuid4())

    def _around_life(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._start()
            elif message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self._recorder.close()
            await send(message)

        return sent

    def _start(self) -> None:
        self._recorder.start()
        if self._serves:
            with never_fail(f"what {self._deployment} serves"), self._open() as platform:
                record_deployment(self._deployment, self._serves, platform=platform)

    def _open(self) -> Platform:
        return open_platform(self._recorder.settings, PATIENCE_S)


class _Answer:
    """The answer to one request: its header names the prediction."""

    def __init__(self, request: _Request, send: Send) -> None:
        self._request = request
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] in BEGIN_ANSWER:
            self.has_begun = True
            if self._request.named:
                named = (HEADER.encode(), self._request.named.encode())
                message = {**message, "headers": [*message.get("headers", ()), named]}
        await self._send(message)

    async def refuse(self, error: HandrailError) -> None:
        """Answer that the prediction could not be recorded."""
        status = status_of(error)
        body = problem(status, str(error), self._request.prediction_id)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": int(status), "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def record_prediction(subject: str, score: float, label: int, **more: Any) -> str | None:
    """Record what the request at hand is answered with, before the answer leaves; return the id of the prediction.

    `subject` is what it is about, `score` the probability or number, `label` the decision made from it (0 where none
    is). `more` are other fields of `handrail.feedback.Prediction`: features_digest, feature_service, variant,
    propensity, sampled, degraded. A second prediction of a request has the id of the first with -2 behind it, and so
    on.
    Returns None where it could not be recorded; the log says why.

    Raises:
        Unavailable: the middleware is not around this call; or it says `required`, and the spool is not there.
        InvalidInput: the middleware says `required`, and a value is not what a prediction has.
    """
    request = _here()
    return request.owner.record(request, lambda: request.owner.predict(request, subject, score, label, **more))


def prediction_id() -> str:
    """Return the id of the request at hand, which the header of its answer names from then on.

    For an answer that names it in its body, or that begins before the prediction is recorded, as a stream does.

    Raises:
        Unavailable: the middleware is not around this call.
    """
    request = _here()
    request.named = request.prediction_id
    return request.prediction_id


def _here() -> _Request:
    request = _CURRENT.get()
    if request is None:
        remedy = "Add app.add_middleware(PredictionIds, deployment='SERVICE/VERSION'), and call it within a request."
        raise Unavailable("The id of a prediction", "no request is being answered under PredictionIds here", remedy)
    return request
