"""The bento: POST /predict answers flights, /api takes feedback, both of known callers; health and metrics are open.

Serve a checkout with `bentoml serve bentos/flights`, the deployed bento with `python -m infra.servers.bento`.
What is sent and answered follows from config/use_case.yaml, and from messages.py beside this file.
"""

# BentoML reads the annotations at run time, so they stay real; its decorators come without types.
# mypy: disable-error-code="untyped-decorator"

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import bentoml
from pydantic import BaseModel
from starlette.responses import JSONResponse

ROOT = Path(__file__).resolve().parents[2]
# BentoML puts the folder of this file on the path; the packages `bentos` and `feature_repo` are above it.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bentos.flights.messages import flight_of  # noqa: E402
from feature_repo.online import online, reader  # noqa: E402
from feature_repo.store import apply, open_feature_store, service_identity  # noqa: E402
from handrail.bentoml import guarded  # noqa: E402
from handrail.bootstrap import open_platform  # noqa: E402
from handrail.entrypoints.bentoml.features import FeatureRepo  # noqa: E402
from handrail.entrypoints.bentoml.guarding import require_permit, rules_of  # noqa: E402
from handrail.entrypoints.bentoml.messages import answer_of, items_of  # noqa: E402
from handrail.entrypoints.bentoml.service import quieten_warnings  # noqa: E402
from handrail.entrypoints.bentoml.worker import Worker  # noqa: E402
from handrail.entrypoints.http.problems import status_of  # noqa: E402
from handrail.entrypoints.http.serving_callers import schemes_of  # noqa: E402
from handrail.errors import HandrailError  # noqa: E402
from handrail.http import checked_by_host, feedback_app  # noqa: E402
from handrail.refs import BentoTag  # noqa: E402
from handrail.use_case import read_use_case  # noqa: E402

UNBUILT = "unbuilt"
"""The version of the bento while a checkout is served."""

try:
    CASE = read_use_case(ROOT)
    PLATFORM = open_platform()
    FEATURES = FeatureRepo(open_feature_store, apply, service_identity, online, reader)
    WORKER = Worker(PLATFORM, ROOT, CASE, FEATURES)
    FEEDBACK = feedback_app(PLATFORM, checked_by_host)
except HandrailError as err:
    sys.exit(f"error: {err}")

# Types that the description decides on, so that mypy sees their general form only.
if TYPE_CHECKING:
    Flights = list[Any]
    Answers = BaseModel
else:
    Flights = items_of(CASE, flight_of(CASE))
    Answers = answer_of(CASE)


@bentoml.service(
    name=CASE.name,
    service_class=guarded(
        partial(rules_of, PLATFORM, FEEDBACK),
        WORKER.not_ready,
        WORKER.watch,
        WORKER.status,
        schemes_of(PLATFORM.settings),
    ),
    workers=1,
    threads=1,
    traffic={"timeout": 30},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(FEEDBACK, path="/api")
class FlightsService:
    """Will a flight land more than 15 minutes late? Asked two hours before its scheduled departure.

    Send `Authorization: Bearer <token>`; the token is in `.handrail/credentials/serving-token.json`, and
    `handrail delivery key make NAME` makes a key for one caller.
    """

    @bentoml.on_deployment
    @staticmethod
    def check_permit() -> None:
        """Before any worker starts: exit if no permit covers exactly the bytes that this bento carries."""
        require_permit(PLATFORM, ROOT)

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the model."""
        bento = cast(Any, FlightsService).bento
        await WORKER.start(BentoTag(CASE.name, bento.tag.version if bento else UNBUILT))
        quieten_warnings()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Write down what is left to write."""
        await WORKER.stop()

    @bentoml.api(route="/predict")
    async def predict(self, flights: Flights) -> Answers:
        """Give each flight's probability to land late, in the order of the request."""
        try:
            return Answers.model_validate(await WORKER.answer([vars(flight) for flight in flights]))
        except HandrailError as err:
            return cast(Answers, JSONResponse({"error": str(err)}, int(status_of(err))))
