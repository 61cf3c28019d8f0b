"""What was sent and could not be recorded: kept as it came, with the reason, until a person repairs or drops it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Literal

from handrail.errors import HandrailError, InvalidInput, UnknownReference

MAX_CONTENT = 100_000
"""Characters of a row that are kept; what is longer is cut off, and said to be."""


class Reason(StrEnum):
    """Why a row was set aside: a short, stable code."""

    CONFLICT = "conflict"
    """Its id came before with another body."""
    MALFORMED = "malformed"
    """It cannot be read: no JSON, or a field is missing, unknown or of another type."""
    UNKNOWN_KIND = "unknown_kind"
    """Nobody declared its kind."""
    WRONG_VALUE = "wrong_value"
    """Its kind does not allow the value."""
    WRONG_SOURCE = "wrong_source"
    """Its source may not report the kind."""
    WRONG_UNIT = "wrong_unit"
    """Its kind has another unit."""
    NOT_ALLOWED = "not_allowed"
    """Its sender's token does not allow its kind or its source."""
    AHEAD_OF_TIME = "ahead_of_time"
    """It occurred too long after it was received: the sender's clock is wrong."""
    ERASED = "erased"
    """What it held was about a subject that was erased since."""


_BY_FIELD = {"source": Reason.WRONG_SOURCE, "unit": Reason.WRONG_UNIT, "occurred_at": Reason.AHEAD_OF_TIME}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be recorded. `content` is what was sent; `what` is prediction or feedback, as far as is known.

    `origin` says where it came from, such as a file's line; `problem` is a sentence with its remedy.
    """

    what: str
    reason: Reason
    field: str
    problem: str
    content: Any
    origin: str = ""

    def __post_init__(self) -> None:
        for name in ("field", "problem", "origin"):
            object.__setattr__(self, name, _writable(getattr(self, name)))

    @property
    def text(self) -> str:
        """The content as JSON, cut off where it is very long."""
        return _writable(json.dumps(self.content, default=str, ensure_ascii=False))[:MAX_CONTENT]

    @property
    def identifier(self) -> str:
        """The id that the row names, empty if it names none."""
        content = self.content if isinstance(self.content, Mapping) else {}
        named = (content.get(key) for key in ("event_id", "prediction_id", "subject"))
        return _writable(next((each for each in named if isinstance(each, str) and each), ""))[:500]

    def body_digest(self) -> bytes:
        """Digest what is kept (sha256, 32 bytes): the same row is set aside once for each reason."""
        return digest_of(self.what, self.reason, self.field, self.text)


def _writable(text: str) -> str:
    """Write what no database takes, half of a pair of UTF-16 and the character 0, as JSON writes it."""
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\u0000")


def digest_of(what: str, reason: str, field: str, text: str) -> bytes:
    """Digest a row as it is kept (sha256, 32 bytes)."""
    return sha256("\n".join((what, reason, field, text)).encode(errors="replace")).digest()


def content_of(text: str) -> Any:
    """Return what a row's text says; the text itself if it was cut off."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def rejected(what: str, problem: HandrailError, content: Any, origin: str = "") -> Rejected:
    """Say why a row that was read cannot be recorded, from the error that a rule of its kind raised."""
    if isinstance(problem, UnknownReference):
        return Rejected(what, Reason.UNKNOWN_KIND, "kind", str(problem), content, origin)
    field = problem.field if isinstance(problem, InvalidInput) else ""
    return Rejected(what, _BY_FIELD.get(field, Reason.WRONG_VALUE), field, str(problem), content, origin)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of a batch that was set aside; `index` counts from 0 in the order sent."""

    index: int
    reason: Reason
    field: str
    problem: str


State = Literal["open", "replayed", "dropped"]


@dataclass(frozen=True, slots=True)
class Held:
    """A row in quarantine. `number` names it; `content` is what was sent, or what the last repair made of it.

    `note` is why it was dropped, or what it was replayed as; `changed_by` who did that.
    """

    number: int
    what: str
    identifier: str
    reason: Reason
    field: str
    problem: str
    content: Any
    origin: str
    quarantined_at: datetime
    state: State = "open"
    note: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a person did with a row in quarantine: `replayed` with the content that was recorded, or `dropped`."""

    number: int
    state: State
    by: str
    at: datetime
    note: str
    content: Any = None
