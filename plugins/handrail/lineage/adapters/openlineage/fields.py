"""The fields of which OpenLineage events and facets are made, as the specification 2-0-2 and Handrail bound them."""

# pydantic reads the annotations at run time, so they stay real.

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# RFC 3339, or what producers write instead: a blank for the T, no zone, one without a colon, its name behind it.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/+-]+\])?", re.ASCII)
_REFERENCE = re.compile(r"[^\s\"<>\\^`{|}\x00-\x1f\x7f]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _moment(text: Any) -> datetime:
    found = _MOMENT.fullmatch(text.upper()) if isinstance(text, str) else None
    if found is None:
        raise ValueError("it is not an RFC 3339 date-time, as 2026-11-23T12:00:00Z")
    given = datetime.fromisoformat("".join(part or "" for part in found.groups()))
    try:
        return given.replace(tzinfo=UTC) if given.tzinfo is None else _in_utc(given)
    except OverflowError as err:
        raise ValueError("it is before the year 1 or after the year 9999 in UTC") from err


def _in_utc(given: datetime) -> datetime:
    given.astimezone(UTC)
    return given


def has_zone(moment: str) -> bool:
    """Return whether a text that was read as a moment names its time zone; without one it means UTC."""
    found = _MOMENT.fullmatch(moment.upper())
    return found is not None and found[3] is not None


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError("it is not a URI")
    return text


def _uuid(text: Any) -> UUID:
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError("it is not a UUID")
    return UUID(text)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds a null character, which no database stores")
    return text


Name = Annotated[str, AfterValidator(_storable)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reference = Annotated[str, AfterValidator(_reference)]
RunId = Annotated[UUID, BeforeValidator(_uuid)]


class Open(BaseModel):
    """A part of an event; keys that Handrail does not read may be beside the known ones."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Deletable(Open):
    """A facet that says nothing any more once it is `_deleted`."""

    deleted: bool = Field(default=False, alias="_deleted")


class OwnFacet(Deletable):
    """What every facet of Handrail's has."""

    producer: Reference = Field(alias="_producer")
    schema_url: Reference = Field(alias="_schemaURL")
