"""What every format is read from, a body, and what it is read to: rows, each for itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.entrypoints.http.feedback_messages import read_event, read_prediction
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Prediction, Rejected

Row = Prediction | Feedback | Rejected


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent, unpacked: `what` is prediction or feedback; received `now`, with the headers of the request.

    `limit` bounds the bytes of what is packed inside a format.
    """

    content: bytes
    what: str
    now: datetime
    headers: Mapping[str, str]
    limit: int

    def read(self, content: Any) -> Row:
        """Return a row from its JSON."""
        return read_event(content, self.now) if self.what == "feedback" else read_prediction(content)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The rows of a body, in the order sent. `alone`: one row without a batch around it, whose fault is the answer."""

    rows: Sequence[Row]
    alone: bool = False


def media_type(header: str) -> str:
    """Return the media type of a Content-Type, without its parameters, in small letters."""
    return header.partition(";")[0].strip().lower()


def parse(content: bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        InvalidInput: it is not JSON in UTF-8.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("body", "it is not JSON in UTF-8", "Correct it; nothing was recorded.") from err
