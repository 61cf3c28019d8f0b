"""A BentoML service class whose whole ASGI app, BentoML's own middleware included, is behind Handrail's guard.

`@bentoml.service(service_class=guarded(rules, not_ready))`. BentoML puts its metrics and timeout middleware outside
every middleware that a service adds; there each unknown path keeps adding metric series, and a middleware that
raises hangs until the timeout. Wrapping `to_asgi` keeps both away from the world.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from handrail.tools import require

require("bentoml", "bentoml")
from _bentoml_sdk import Service  # noqa: E402
from starlette.responses import JSONResponse  # noqa: E402

from handrail.entrypoints.bentoml.descriptions import SCHEME, Schemes, describe  # noqa: E402
from handrail.entrypoints.bentoml.limits import Bounded, limit_headers  # noqa: E402
from handrail.entrypoints.bentoml.logs import RequestLog, log_as_json  # noqa: E402
from handrail.entrypoints.bentoml.observed import QUIET, Observed, Routes  # noqa: E402
from handrail.entrypoints.bentoml.siblings import elsewhere_not_ready  # noqa: E402
from handrail.entrypoints.bentoml.watch import Watch  # noqa: E402
from handrail.entrypoints.http.docs_page import STATIC, swagger_page, swagger_program  # noqa: E402
from handrail.entrypoints.http.feedback_guard import FeedbackGuard, Rules  # noqa: E402

# OpenTelemetry costs 0.35 ms a request and has no switch; nothing collects the traces. BentoML's own metrics have the
# path that a caller chose as a label; its limit of concurrency says not when to try again, and is one for both sides.
_UNWANTED = frozenset({"OpenTelemetryMiddleware", "HTTPTrafficMetricsMiddleware", "MaxConcurrencyMiddleware"})

SWAGGER_PAGE = swagger_page("Prediction service", "/docs.json")
"""BentoML's own page without its Google Tag Manager, and with a place to enter the token."""


SERVING = "/serving"
"""Where a service says which deployment answers, and which one is deployed and not served, with the reason."""


def open_paths() -> frozenset[str]:
    """Return the paths of BentoML that may be read without a token: health, metrics and the API's description."""
    program = swagger_program()
    static = {f"{STATIC}/{file.name}" for file in program.iterdir() if file.is_file()} if program else set()
    return frozenset({"/livez", "/healthz", "/readyz", "/metrics", "/docs.json", "/schema.json", SERVING} | static)


def guarded(
    rules: Callable[[], Rules],
    not_ready: Callable[[], str | None],
    watch: Watch | None = None,
    status: Callable[[], Mapping[str, Any]] | None = None,
    schemes: Schemes = SCHEME,
) -> type[Service[Any]]:
    """Make a service class whose app is behind a `FeedbackGuard`; `rules` is called once in each worker.

    `watch` counts requests, for Prometheus too, and lets the process log one JSON object a line. `status` is what
    `GET /serving` answers; without it there is no such path. `schemes` is what the OpenAPI document says of callers.
    """

    class GuardedService(Service[Any]):
        @property
        def doc(self) -> str:
            # BentoML's own text shows pictures from other hosts.
            return inspect.cleandoc(self.inner.__doc__ or "")

        @property
        def openapi_spec(self) -> Any:
            spec = super().openapi_spec
            describe(spec, schemes)
            return spec

        def to_asgi(self, is_main: bool = True) -> Any:
            app: Any = super().to_asgi(is_main)
            app.user_middleware = [entry for entry in app.user_middleware if entry.cls.__name__ not in _UNWANTED]
            # BentoML logs a traceback with what the client sent when a request fails validation.
            logging.getLogger("bentoml._internal.server.http_app").addFilter(_is_no_validation_error)
            ruled = rules()
            limit_headers()
            inner = Bounded(app if status is None else _with_status(app, status), ruled)
            guard = FeedbackGuard(inner, ruled, not_ready, elsewhere_not_ready)
            return guard if watch is None else _observed(guard, watch, ruled)

    return GuardedService


def _observed(guard: FeedbackGuard, watch: Watch, rules: Rules) -> Observed:
    """Let a process count and log; called in a worker, where BentoML has named the folder that metrics share."""
    from handrail.entrypoints.bentoml.metrics import Metrics

    watch.export(Metrics())
    log_as_json()
    return Observed(guard, watch, Routes(rules.guarded_paths | QUIET, rules.model_paths), RequestLog())


def _with_status(app: Any, status: Callable[[], Mapping[str, Any]]) -> Any:
    """Put an answer to `GET /serving` before an app."""

    async def answered(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == SERVING:
            return await JSONResponse(dict(status()))(scope, receive, send)
        return await app(scope, receive, send)

    return answered


def quieten_warnings() -> None:
    """Silence what pydantic warns of for every request that BentoML reads; call it when all tools are loaded.

    Feast's import undoes earlier filters.
    """
    warnings.filterwarnings("ignore", message="Accessing the 'model_fields' attribute", module="_bentoml_impl")


def _is_no_validation_error(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ValidationError))
