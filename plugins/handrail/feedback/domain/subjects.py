"""How a subject is named in the log: as it is, or by a pseudonym that nobody makes without the installation's key."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar

from handrail.errors import InvalidInput
from handrail.feedback.domain.plain import (
    PlainEvent,
    PlainPrediction,
    event_of,
    plain_event,
    plain_prediction,
    prediction_of,
)
from handrail.feedback.domain.quarantine import Rejected
from handrail.feedback.domain.values import Feedback, Prediction

Row = TypeVar("Row")
PREFIX = "keyed:"
_PSEUDONYM = re.compile(r"keyed:([0-9a-f]{8}):[0-9a-f]{40}")
_KNOWN = {field.name for kind in (Prediction, Feedback) for field in fields(kind)}
LEFT_OUT = "What was sent is left out, since config/feedback.yaml says that subjects are keyed. Send the row again."


class ForeignPseudonym(InvalidInput):
    """A pseudonym that was not made with this installation's key."""

    def __init__(self, pseudonym: str) -> None:
        remedy = "Send the subject itself, or put back the key that it was made with."
        super().__init__("subject", f"{pseudonym[: len(PREFIX) + 8]!r}... was made with another key", remedy)
        self.pseudonym = pseudonym


@dataclass(frozen=True)
class Subjects:
    """The names of subjects in the log, made with a key of 32 bytes: what is sent again has the same name again.

    A pseudonym is `keyed:`, 8 hex digits that name the key, and 160 bits of HMAC-SHA256 over the subject. A pseudonym
    that is given stays as it is, so that what was read from the log can be sent to it.
    """

    key: bytes

    @cached_property
    def key_id(self) -> str:
        """Eight hex digits that name the key and say nothing else about it."""
        return hmac.new(self.key, b"handrail feedback subject key id 1", sha256).hexdigest()[:8]

    @cached_property
    def _own(self) -> bytes:
        # Whatever else the secret is used for, this is another key.
        return hmac.new(self.key, b"handrail feedback subject 1", sha256).digest()

    def reference(self, subject: str) -> str:
        """Return the name of a subject in the log; none stays none.

        Raises:
            ForeignPseudonym: it is a pseudonym of another key.
        """
        if not subject:
            return subject
        if match := _PSEUDONYM.fullmatch(subject):
            if match[1] != self.key_id:
                raise ForeignPseudonym(subject)
            return subject
        return f"{PREFIX}{self.key_id}:{hmac.new(self._own, subject.encode(), sha256).hexdigest()[:40]}"

    def named(self, row: Row) -> Row:
        """Return a row that names its subject as the log does; of one that was set aside only what has a name.

        Raises:
            ForeignPseudonym: its subject is a pseudonym of another key.
        """
        if isinstance(row, Prediction | Feedback):
            return replace(row, subject=self.reference(row.subject))
        if isinstance(row, PlainPrediction):
            return plain_prediction(self.named(prediction_of(row)))  # type: ignore[return-value]
        if isinstance(row, PlainEvent):
            return self._plain_event(row)  # type: ignore[return-value]
        return self._set_aside(row) if isinstance(row, Rejected) else row  # type: ignore[return-value]

    def _plain_event(self, row: PlainEvent) -> PlainEvent:
        if not row.subject:
            return row
        event = self.named(event_of(row))
        # Its content named it, and the content is another one now.
        return plain_event(replace(event, event_id=None) if row.event_id == row.body.hex() else event)

    def _set_aside(self, row: Rejected) -> Rejected:
        if not isinstance(row.content, Mapping):
            return replace(row, content={}, problem=LEFT_OUT)
        content, subject = self.content(row.content), row.content.get("subject", "")
        is_known = row.field in {*_KNOWN, ""} and row.field != "subject" and isinstance(subject, str)
        problem = row.problem if is_known else LEFT_OUT
        if isinstance(subject, str) and subject:
            problem = problem.replace(subject, "(the subject)")
        return replace(row, content=content, field=row.field if row.field in _KNOWN else "", problem=problem)

    def content(self, content: Any) -> Any:
        """Return what a row says, as far as it is in fields that are known, without its subject in any of them."""
        if not isinstance(content, Mapping):
            return {}
        kept = {name: value for name, value in content.items() if name in _KNOWN and not isinstance(value, dict | list)}
        subject = kept.get("subject")
        if not isinstance(subject, str) or not subject:
            return {name: value for name, value in kept.items() if name != "subject"}
        pseudonym = self.reference(subject)
        return {
            name: value.replace(subject, pseudonym) if isinstance(value, str) and subject in value else value
            for name, value in kept.items()
        }
