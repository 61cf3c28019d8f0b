"""What a client sends to `/predict` and what it gets back.

Codes are checked for their form only: an airport or carrier that the model has never seen is answered, as an
unknown category.
"""

# BentoML reads these annotations at run time, so they stay real.

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

MAX_FLIGHTS = 5000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

Airport = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="IATA code of an airport", examples=["EWR"])]
Carrier = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$", description="IATA code of a carrier", examples=["UA"])]


EXAMPLE: dict[str, JsonValue] = {
    "flight_id": "2013-08-01:UA:1545:0515:EWR",
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "tailnum": "N14228",
    "flight": 1545,
    "sched_dep": "2013-08-01T09:15:00Z",
    "sched_arr": "2013-08-01T12:19:00Z",
    "distance": 1400,
}
"""A whole flight for the page at `/docs`: examples of single fields would not agree with each other."""


class Flight(BaseModel):
    """One scheduled flight, as it is known two hours before its departure."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"example": EXAMPLE})

    flight_id: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}:[A-Z0-9]{2}:\d{1,4}:\d{4}:[A-Z]{3}$",
        description="<local day>:<carrier>:<flight>:<scheduled local departure, 4 digits>:<origin>",
        examples=["2013-08-01:UA:1545:0515:EWR"],
    )
    carrier: Carrier
    origin: Airport
    dest: Airport
    tailnum: str | None = Field(pattern=r"^[A-Z0-9-]{2,8}$", description="aircraft, null if not assigned yet")
    flight: int = Field(ge=1, le=9999)
    sched_dep: AwareDatetime = Field(description="scheduled departure, ISO 8601 with zone")
    sched_arr: AwareDatetime = Field(description="scheduled arrival, ISO 8601 with zone")
    distance: float = Field(gt=0, le=20_000, allow_inf_nan=False, description="miles")

    @field_validator("sched_dep", "sched_arr")
    @classmethod
    def _is_a_plausible_moment(cls, moment: datetime) -> datetime:
        if not EARLIEST <= moment < LATEST:
            raise PydanticCustomError("moment", "It is not between the years 1990 and 2100")
        return moment

    @field_validator("sched_arr")
    @classmethod
    def _is_after_the_departure(cls, moment: datetime, info: ValidationInfo) -> datetime:
        departure = info.data.get("sched_dep")
        if departure is not None and moment <= departure:
            raise PydanticCustomError("arrival", "It is not after sched_dep")
        return moment

    @field_validator("flight")
    @classmethod
    def _agrees_with_the_id(cls, flight: int, info: ValidationInfo) -> int:
        known = info.data
        if not {"flight_id", "carrier", "origin"} <= known.keys():
            return flight
        _, carrier, number, _, origin = known["flight_id"].split(":")
        if (carrier, number, origin) != (known["carrier"], str(flight), known["origin"]):
            raise PydanticCustomError("identity", "carrier, flight and origin do not agree with flight_id")
        return flight


def _each_once(flights: list[Flight]) -> list[Flight]:
    count = Counter(flight.flight_id for flight in flights)
    if len(count) < len(flights):
        raise PydanticCustomError("repeated", "{flight_id} is in it twice", {"flight_id": count.most_common(1)[0][0]})
    return flights


Flights = Annotated[list[Flight], Field(min_length=1, max_length=MAX_FLIGHTS), AfterValidator(_each_once)]
"""The body of a request: 1 to 5000 flights, each once."""


class FlightAnswer(BaseModel):
    """The answer for one flight."""

    prediction_id: str = Field(description="send it back with the outcome, and ask lineage about it")
    flight_id: str
    probability: float = Field(description="that the flight lands more than 15 minutes late, 0 to 1")
    late: bool = Field(description="whether the probability reaches the model's threshold")


class PredictAnswer(BaseModel):
    """One answer for each flight, in the order of the request."""

    predictions: list[FlightAnswer]
    deployment: str = Field(description="URI of the deployment that answered")
    model_version: str = Field(description="URI of the registered model version that it serves")
