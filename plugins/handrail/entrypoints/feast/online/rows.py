"""Where stored rows come from: SQLite and Redis read directly as Feast lays them out, any other store through Feast.

`tests/contracts/test_feast_online_readers.py` holds each of them to what `get_online_features` answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.message import DecodeError

from handrail.entrypoints.feast.online.plan import Key, Stored


@dataclass(frozen=True, slots=True)
class Row:
    """A view's newest row of one key: when it was known, in seconds since 1970, and its features in the plan's order.

    `wrong` names features whose stored value has another type than the view says, or cannot be read; they are None.
    """

    known: float
    values: tuple[Any, ...]
    wrong: tuple[str, ...] = ()


Rows = Mapping[str, Mapping[Key, Row | None]]
"""Rows by view and key; None where the store holds none."""
Wanted = Sequence[tuple[Stored, Iterable[Key]]]


class RowSource(Protocol):
    """Reads the newest rows of keys."""

    def read(self, wanted: Wanted) -> Rows:
        """Return a row or None for each key of each view, within the time limit that it was made with.

        Raises:
            TimeoutError: the store did not answer in time.
            Unavailable: it cannot be read.
        """
        ...


def row_of(stored: Stored, known: float, found: Mapping[str, bytes | Value | None]) -> Row:
    """Make a row of what a store holds by feature: Feast's values, as messages or as their bytes."""
    values: list[Any] = []
    wrong: list[str] = []
    for name, kind in zip(stored.features, stored.kinds, strict=True):
        value, is_right = _plain(found.get(name), kind)
        values.append(value)
        if not is_right:
            wrong.append(name)
    return Row(known, tuple(values), tuple(wrong))


def seconds(moment: datetime) -> float:
    """Return an aware moment as seconds since 1970."""
    return moment.timestamp()


def _plain(value: bytes | Value | None, kind: str) -> tuple[Any, bool]:
    if value is None:
        return None, True
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            parsed = Value.FromString(bytes(value))
        except DecodeError:
            return None, False
    else:
        parsed = value
    held = parsed.WhichOneof("val")
    if held is None or held == "null_val":
        return None, True
    return (getattr(parsed, held), True) if held == kind else (None, False)
