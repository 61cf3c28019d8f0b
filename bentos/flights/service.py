"""The bento: POST /predict answers flights, /api takes feedback, both with a bearer token; health and metrics are open.

Serve a checkout with `bentoml serve bentos/flights`, the deployed bento with `python -m infra.servers.bento`.
"""

# BentoML reads the annotations at run time, so they stay real; its decorators come without types.
# mypy: disable-error-code="untyped-decorator"

import sys
from pathlib import Path
from typing import Any, cast

import bentoml
from starlette.responses import JSONResponse

ROOT = Path(__file__).resolve().parents[2]
# BentoML puts the folder of this file on the path; the packages `bentos` and `feature_repo` are above it.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bentos.flights.messages import Flights, PredictAnswer  # noqa: E402
from bentos.flights.worker import Worker  # noqa: E402
from handrail.bentoml import guarded  # noqa: E402
from handrail.bootstrap import open_platform  # noqa: E402
from handrail.bootstrap.delivery import open_permits  # noqa: E402
from handrail.delivery import find_carried, lend_verified  # noqa: E402
from handrail.entrypoints.bentoml.service import SWAGGER_PAGE, open_paths, quieten_warnings  # noqa: E402
from handrail.entrypoints.http.feedback_guard import Rules  # noqa: E402
from handrail.entrypoints.http.problems import status_of  # noqa: E402
from handrail.errors import HandrailError  # noqa: E402
from handrail.http import checked_by_host, feedback_app, serving_token  # noqa: E402
from handrail.refs import BentoTag  # noqa: E402

UNBUILT = "unbuilt"
"""The version of the bento while a checkout is served."""

try:
    PLATFORM = open_platform()
    WORKER = Worker(PLATFORM, ROOT)
    FEEDBACK = feedback_app(PLATFORM, checked_by_host)
except HandrailError as err:
    sys.exit(f"error: {err}")


def _rules() -> Rules:
    return Rules(
        token=serving_token(PLATFORM.settings),
        open_paths=open_paths(),
        guarded_paths=frozenset({"/predict", *(f"/api{path}" for path in FEEDBACK.openapi()["paths"])}),
        model_paths=frozenset({"/predict"}),
        page=SWAGGER_PAGE,
    )


@bentoml.service(
    name="flights",
    service_class=guarded(_rules, WORKER.not_ready),
    workers=1,
    threads=1,
    traffic={"timeout": 30, "max_concurrency": 64},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(FEEDBACK, path="/api")
class FlightsService:
    """Will a flight land more than 15 minutes late? Asked two hours before its scheduled departure.

    Send `Authorization: Bearer <token>`; the token is in `.handrail/credentials/serving-token.json`.
    """

    @bentoml.on_deployment
    @staticmethod
    def check_permit() -> None:
        """Before any worker starts: exit if no permit covers exactly the bytes that this bento carries."""
        try:
            serving_token(PLATFORM.settings)
            carried = find_carried(ROOT)
            if carried is not None:
                with lend_verified(open_permits(PLATFORM.settings), carried):
                    pass
        except HandrailError as err:
            sys.exit(f"error: {err}")

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the model."""
        bento = cast(Any, FlightsService).bento
        await WORKER.start(BentoTag("flights", bento.tag.version if bento else UNBUILT))
        quieten_warnings()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Write down what is left to write."""
        await WORKER.stop()

    @bentoml.api(route="/predict")
    async def predict(self, flights: Flights) -> PredictAnswer:
        """Give each flight's probability to land late, in the order of the request."""
        try:
            return await WORKER.answer(flights)
        except HandrailError as err:
            return JSONResponse({"error": str(err)}, int(status_of(err)))  # type: ignore[return-value]
