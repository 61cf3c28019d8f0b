"""What every format is read from, a body, and what it is read to: rows, each for itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from handrail.entrypoints.http.feedback_columns import event_columns, rows_of
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


class Events(Sequence[Row]):
    """Many events of a table: rows where one is looked at, columns for all of them at once."""

    def __init__(self, batches: Sequence[Any], now: datetime) -> None:
        """Hold record batches whose columns are those of feedback, received `now`."""
        self._batches = batches
        self._now = now
        self.columns = event_columns(batches, now)

    def __len__(self) -> int:
        return len(self.columns["value"])

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        for batch in self._batches:
            if place < batch.num_rows:
                return rows_of(batch.slice(place, 1), "feedback", self._now)[0]
            place -= batch.num_rows
        raise IndexError(place)

    def __iter__(self) -> Iterator[Row]:
        """Yield every row; this is the slow way."""
        for batch in self._batches:
            yield from rows_of(batch, "feedback", self._now)


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
