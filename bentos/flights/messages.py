"""What the description of a flight cannot say: what two of its fields have to agree on.

Everything else about a request is in config/use_case.yaml.
"""

# pydantic and BentoML read these annotations at run time, so they stay real.

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationInfo, create_model, field_validator
from pydantic_core import PydanticCustomError

from handrail.entrypoints.bentoml.messages import item_of
from handrail.use_case import UseCase


def flight_of(case: UseCase) -> type[BaseModel]:
    """Return the model of one flight of a request, as described, whose fields agree with each other."""
    validators: dict[str, Any] = {
        "is_after_the_departure": field_validator("sched_arr")(_is_after_the_departure),
        "agrees_with_the_id": field_validator("flight")(_agrees_with_the_id),
    }
    item = item_of(case)
    return create_model("Flight", __base__=item, __doc__=item.__doc__, __validators__=validators)


def _is_after_the_departure(moment: datetime, info: ValidationInfo) -> datetime:
    departure = info.data.get("sched_dep")
    if departure is not None and moment <= departure:
        raise PydanticCustomError("arrival", "It is not after sched_dep")
    return moment


def _agrees_with_the_id(flight: int, info: ValidationInfo) -> int:
    known = info.data
    if not {"flight_id", "carrier", "origin"} <= known.keys():
        return flight
    _, carrier, number, _, origin = known["flight_id"].split(":")
    if (carrier, number, origin) != (known["carrier"], str(flight), known["origin"]):
        raise PydanticCustomError("identity", "carrier, flight and origin do not agree with flight_id")
    return flight
