"""The fields of which OpenLineage events and facets are made, as the specification 2-0-2 and Handrail bound them."""

# pydantic reads the annotations at run time, so they stay real.

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from handrail.lineage.adapters.openlineage.text import MAX_NAME, plain_name

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_REFERENCE = re.compile(r"[^\s\"<>\\^`{|}\x00-\x1f\x7f]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _moment(text: Any) -> datetime:
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise ValueError("it is not an RFC 3339 date-time with a time zone, as in 2026-11-23T12:00:00Z")
    given = datetime.fromisoformat(text.upper())
    try:
        given.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("it is before the year 1 or after the year 9999 in UTC") from err
    return given


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError("it is not a URI")
    return text


def _uuid(text: Any) -> UUID:
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError("it is not a UUID")
    return UUID(text)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(plain_name)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reference = Annotated[str, Field(max_length=2048), AfterValidator(_reference)]
RunId = Annotated[UUID, BeforeValidator(_uuid)]
Facet = dict[str, JsonValue]


class Open(BaseModel):
    """A part of an event; keys that Handrail does not read may be beside the known ones."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class StandardFacet(Open):
    """What every facet has."""

    producer: Reference = Field(alias="_producer")
    schema_url: Reference = Field(alias="_schemaURL")
    deleted: bool = Field(default=False, alias="_deleted")
