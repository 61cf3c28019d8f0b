"""Reviews: what people write about an answer. The log keeps that there is one; its text is sealed beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from handrail.errors import InvalidInput
from handrail.feedback.domain.values import Feedback

MAX_REVIEW = 10_000
COMMITMENT = "hmac-sha256:"
"""How the item of an event begins that has a sealed text."""


@dataclass(frozen=True, slots=True)
class Review(Feedback):
    """A statement in words. Its `value` is 1: there is one; what is recorded of the text is a commitment to it."""

    text: str = ""

    def __post_init__(self) -> None:
        """Check the text, and all else as for any feedback."""
        # Not `super()`: a class with slots is made twice, and that of the first would be meant.
        Feedback.__post_init__(self)
        if not 0 < len(self.text) <= MAX_REVIEW or "\0" in self.text or not _is_encodable(self.text):
            raise InvalidInput("text", "it is no text", f"Write 1 to {MAX_REVIEW:,} characters of Unicode.")
        if self.retracts or self.value != 1 or self.item:
            raise InvalidInput("text", "a value, an item or a retraction is beside it", "Send the text alone.")

    def sealed(self, commitment: str) -> Feedback:
        """Return what the log records of it."""
        said = {field.name: getattr(self, field.name) for field in fields(Feedback)}
        return Feedback(**said | {"item": commitment})


def owner_of(event: Feedback) -> str:
    """Return whose key a text is sealed with: that of the subject, or of the prediction where none is named."""
    return owner_of_subject(event.subject) if event.subject else owner_of_prediction(event.prediction_id)


def owner_of_subject(name: str) -> str:
    """Return the owner of what is said about a subject, under the name that the log has for it."""
    return f"subject {name}"


def owner_of_prediction(prediction_id: str) -> str:
    """Return the owner of what is said about a prediction by its id."""
    return f"prediction {prediction_id}"


def key_name(owner: str) -> str:
    """Return the name of an owner's key (64 hex digits)."""
    return sha256(f"handrail feedback subject key 1\n{owner}".encode()).hexdigest()


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Written:
    """A review as it is read back; `text` is None where its key was destroyed."""

    kind: str
    prediction_id: str
    subject: str
    source: str
    revision: int
    occurred_at: datetime
    text: str | None

    @property
    def shown(self) -> str:
        """The text for a terminal or a page: what moves a cursor or hides something is written as its code."""
        if self.text is None:
            return "(erased)"
        return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in self.text)


def written(event: Feedback, text: str | None) -> Written:
    """Return an event with its text."""
    names = ("kind", "prediction_id", "subject", "source", "revision", "occurred_at")
    said: dict[str, Any] = {name: getattr(event, name) for name in names}
    return Written(**said, text=text)
