"""What a client sends to `/predict` and what it gets back, as a description says it.

Texts are checked for their form only: a category that the model has never seen is answered, as an unknown one.
"""

# pydantic and BentoML read these annotations at run time, so they stay real.

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, create_model
from pydantic_core import PydanticCustomError

from handrail.delivery import CHAMPION
from handrail.readings import Why
from handrail.use_case import RequestField, UseCase

LONGEST_TEXT = 500
MOST_ITEMS = 5000
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
PLAIN: dict[str, type] = {"truth": bool, "whole": int, "number": float, "text": str}


class Lacking(BaseModel):
    """Features of one view that were not there; those in `defaulted` had a default, the others counted as unknown."""

    view: str
    why: Why
    features: list[str]
    defaulted: list[str]


def item_of(case: UseCase) -> type[BaseModel]:
    """Return the model of one item of a request: every field of the description, and no other."""
    example: dict[str, JsonValue] = {name: field.example for name, field in case.request.items()}
    fields: dict[str, Any] = {name: (_type_of(field), ...) for name, field in case.request.items()}
    settings = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"example": example})
    return create_model("Item", __config__=settings, __doc__=f"One {case.subject.one}: {case.question}", **fields)


def items_of(case: UseCase, item: type[BaseModel]) -> Any:
    """Return the type of a request's list: 1 to 5000 items, each subject once."""
    return Annotated[
        list[item],  # type: ignore[valid-type]  # made from the description
        Field(min_length=1, max_length=MOST_ITEMS),
        AfterValidator(_each_once(case.subject.column)),
    ]


def answer_of(case: UseCase) -> type[BaseModel]:
    """Return the model of an answer: one for each item, in their order."""
    of = case.label
    one: dict[str, Any] = {
        "prediction_id": (str, Field(description="send it back with the outcome, and ask lineage about it")),
        case.subject.column: (str, ...),
    }
    if of.kind == "binary":
        one["probability"] = (float, Field(description=f"of {of.positive!r}, 0 to 1"))
        one[of.column] = (bool, Field(description="whether the probability reaches the model's threshold"))
    elif of.classes is not None:
        one["probability"] = (float, Field(description="of the answered class, 0 to 1"))
        one[of.column] = (str, Field(description=f"one of {', '.join(of.classes)}"))
    else:
        one["value"] = (float, Field(description=f"what is expected of {of.column!r}, in {of.unit or 'its unit'}"))
    who = "who answered: the champion, one of its challengers by name, or the champion instead of one as `fallback`"
    one["slot"] = (str, Field(default=CHAMPION, description=who))
    without = "features that it was made without, because the store was away or late, or held nothing fresh or right"
    one["degraded"] = (list[Lacking], Field(default_factory=list, description=without))
    answer = create_model("Answer", __doc__=f"The answer about one {case.subject.one}.", **one)
    settings = ConfigDict(json_schema_extra={"example": _example_of(case)})
    return create_model(
        "Answers",
        __config__=settings,
        __doc__="One answer for each item, in the order of the request.",
        predictions=(list[answer], ...),  # type: ignore[valid-type]  # made from the description
        deployment=(str, Field(description="URI of the champion's deployment")),
        model_version=(str, Field(description="URI of the registered model version that it serves")),
    )


def _example_of(case: UseCase) -> dict[str, JsonValue]:
    """Return a whole answer about the description's example."""
    of, subject = case.label, case.subject.column
    one: dict[str, JsonValue] = {"prediction_id": "5f0c8d5e2b7a4c61", subject: case.request[subject].example}
    if of.kind == "binary":
        one |= {"probability": 0.31, of.column: False}
    elif of.classes is not None:
        one |= {"probability": 0.62, of.column: of.classes[0]}
    else:
        one["value"] = 1.5
    return {
        "predictions": [one | {"slot": CHAMPION, "degraded": []}],
        "deployment": f"deploy://local/{case.name}/v1",
        "model_version": f"mlflow://local-1/registered/{case.name}/1/1",
    }


def _type_of(field: RequestField) -> Any:
    says = f"{field.says}, {field.unit}" if field.unit else field.says
    if field.type == "moment":
        found: Any = Annotated[AwareDatetime, AfterValidator(_plausible), Field(description=says)]
    elif field.type == "text":
        found = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=field.pattern, description=says)]
    elif field.type == "truth":
        found = Annotated[bool, Field(description=says)]
    else:
        finite: dict[str, Any] = {} if field.type == "whole" else {"allow_inf_nan": False}
        found = Annotated[PLAIN[field.type], Field(ge=field.at_least, le=field.at_most, **finite, description=says)]
    return found | None if field.nullable else found


def _plausible(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise PydanticCustomError("moment", "It is not between the years 1900 and 2200")
    return moment


def _each_once(subject: str) -> Callable[[list[Any]], list[Any]]:
    def check(items: list[Any]) -> list[Any]:
        count = Counter(getattr(item, subject) for item in items)
        if len(count) < len(items):
            raise PydanticCustomError("repeated", "{subject} is in it twice", {"subject": count.most_common(1)[0][0]})
        return items

    return check
