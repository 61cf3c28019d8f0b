"""Rows from a table of columns, Arrow or Parquet. What a whole column says wrongly is refused, what a row does is not.

Columns are read whole and put together by position: nothing looks at a row but the value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import repeat
from typing import Any

from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Prediction, Reason, Rejected

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Sort(Enum):
    """What a column holds, as its sentence says."""

    TEXT = "texts"
    NUMBER = "numbers"
    WHOLE = "whole numbers"
    FLAG = "true or false"
    MOMENT = "moments with a time zone, or ISO 8601 texts with one"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by name; `default` represents what is left out or null, unless the column is `required`."""

    name: str
    sort: Sort
    default: Any = None
    required: bool = False


def _needed(name: str, sort: Sort = Sort.TEXT) -> Column:
    return Column(name, sort, required=True)


def _text(name: str) -> Column:
    return Column(name, Sort.TEXT, "")


PREDICTION = (
    _needed("prediction_id"),
    _needed("deployment"),
    _needed("subject"),
    _needed("made_at", Sort.MOMENT),
    _needed("score", Sort.NUMBER),
    _needed("label", Sort.WHOLE),
    _text("features_digest"),
    _text("feature_service"),
    Column("latency_ms", Sort.NUMBER),
    _text("variant"),
    Column("propensity", Sort.NUMBER),
    Column("sampled", Sort.NUMBER),
    _text("degraded"),
)
FEEDBACK = (
    _text("prediction_id"),
    _needed("kind"),
    Column("value", Sort.NUMBER),
    _needed("source"),
    Column("revision", Sort.WHOLE, 0),
    _needed("occurred_at", Sort.MOMENT),
    Column("received_at", Sort.MOMENT),
    Column("event_id", Sort.TEXT),
    Column("retracts", Sort.FLAG, False),
    _text("subject"),
    _text("service"),
    Column("since", Sort.MOMENT),
    Column("until", Sort.MOMENT),
    _text("item"),
    _text("unit"),
)
"""The columns in the order of the fields of `Feedback`; `received_at` is ours to say."""

COLUMNS: Mapping[str, tuple[Column, ...]] = {"prediction": PREDICTION, "feedback": FEEDBACK}
_OURS = "received_at"
_MICROSECOND = timedelta(microseconds=1)
Faults = dict[int, tuple[str, str]]
"""The first fault of each row that has one, by place: the field and a sentence."""


@dataclass(slots=True)
class _Read:
    """The values of each column by place, and the first fault of each row that has one."""

    values: list[Iterable[Any]] = field(default_factory=list)
    faults: Faults = field(default_factory=dict)


def rows_of(batch: Any, what: str, now: datetime) -> list[Prediction | Feedback | Rejected]:
    """Return the rows of a record batch, in order; what cannot be recorded comes back as such.

    Raises:
        InvalidInput: a column is missing, unknown or of another type.
    """
    read = _Read()
    for column in COLUMNS[what]:
        read.values.append(repeat(now) if column.name == _OURS else _column(batch, column, read.faults))
    make: Callable[..., Prediction | Feedback] = Prediction if what == "prediction" else Feedback
    rows: list[Prediction | Feedback | Rejected] = []
    for place, values in enumerate(zip(*read.values, range(batch.num_rows), strict=False)):
        try:
            if place in read.faults:
                rows.append(_rejected(what, *read.faults[place], values))
            else:
                rows.append(make(*values[:-1]))
        except InvalidInput as err:
            rows.append(_rejected(what, err.field, str(err), values))
    return rows


def event_columns(batches: Sequence[Any], now: datetime) -> dict[str, list[Any]]:
    """Return feedback by columns, as `FeedbackLog.receive_events` takes it; moments in microseconds since 1970 UTC.

    Raises:
        InvalidInput: a column is of another type.
    """
    columns: dict[str, list[Any]] = {}
    for column in FEEDBACK:
        is_sent = bool(batches) and column.name in batches[0].schema.names
        if is_sent or column.name == "value":
            columns[column.name] = [value for batch in batches for value in _plain(batch, column)]
    columns[_OURS] = [(now - EPOCH) // _MICROSECOND] * len(columns["value"])
    return columns


def _plain(batch: Any, column: Column) -> Iterable[Any]:
    if column.name not in batch.schema.names:
        return repeat(column.default, batch.num_rows)
    array = batch.column(column.name)
    values = _whole_moments(array, column) if column.sort is Sort.MOMENT else _READERS[column.sort](array, column)
    if array.null_count and column.default is not None:
        return [column.default if value is None else value for value in values]
    return values


def _whole_moments(array: Any, column: Column) -> list[Any]:
    """Return moments in microseconds; what cannot be read stays as it is, and is the fault of its row."""
    from pyarrow import types

    if not (types.is_timestamp(array.type) and array.type.tz):
        moments = _moments(array, column, {})
        return [(each - EPOCH) // _MICROSECOND if _is_aware(each) else each for each in moments]
    times, parts = _MICROSECONDS[array.type.unit]
    counts = array.view("int64").to_pylist()
    return [None if count is None else count * times // parts for count in counts]


def _is_aware(moment: Any) -> bool:
    return isinstance(moment, datetime) and moment.utcoffset() is not None


def check_names(names: Sequence[str], what: str) -> None:
    """Refuse a table whose columns are not those of what it is sent as.

    Raises:
        InvalidInput: one is missing, unknown, or there twice.
    """
    known = [column.name for column in COLUMNS[what] if column.name != _OURS]
    for name in names:
        if name not in known:
            raise InvalidInput(str(name)[:100], "there is no such column", f"Known are: {', '.join(known)}.")
        if list(names).count(name) > 1:
            raise InvalidInput(name, "the column is there twice", "Send it once.")
    for column in COLUMNS[what]:
        if column.required and column.name not in names:
            raise InvalidInput(column.name, "the column is missing", "Add it; nothing was recorded.")


def _rejected(what: str, name: str, problem: str, values: Sequence[Any]) -> Rejected:
    said = zip(COLUMNS[what], values, strict=False)
    content = {column.name: value for column, value in said if column.name != _OURS and value != column.default}
    return Rejected(what, Reason.MALFORMED, name, problem, content)


def _column(batch: Any, column: Column, faults: Faults) -> Iterable[Any]:
    if column.name not in batch.schema.names:
        return repeat(column.default)
    array = batch.column(column.name)
    is_moment = column.sort is Sort.MOMENT
    values = _moments(array, column, faults) if is_moment else _READERS[column.sort](array, column)
    if array.null_count and column.required:
        for place, value in enumerate(values):
            if value is None:
                faults.setdefault(
                    place, (column.name, f"{column.name}: it is missing. Send one of the {_sort(column)}.")
                )
    elif array.null_count and column.default is not None:
        return [column.default if value is None else value for value in values]
    return values


def _sort(column: Column) -> str:
    return column.sort.value


def _texts(array: Any, column: Column) -> list[Any]:
    from pyarrow import types

    kind = array.type
    if types.is_dictionary(kind) and _is_text(kind.value_type):
        # Each text is made once, however often it is meant.
        texts = array.dictionary.to_pylist()
        return [None if index is None else texts[index] for index in array.indices.to_pylist()]
    if not (_is_text(kind) or types.is_null(kind)):
        raise _other_type(column, kind)
    return list(array.to_pylist())


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    is_view = getattr(types, "is_string_view", lambda _kind: False)
    return bool(types.is_string(kind) or types.is_large_string(kind) or is_view(kind))


def _numbers(array: Any, column: Column) -> list[Any]:
    from pyarrow import types

    kind = array.type
    if not (types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind) or types.is_null(kind)):
        raise _other_type(column, kind)
    return [None if value is None else float(value) for value in array.to_pylist()]


def _whole(array: Any, column: Column) -> list[Any]:
    from pyarrow import types

    if not (types.is_integer(array.type) or types.is_null(array.type)):
        raise _other_type(column, array.type)
    return list(array.to_pylist())


def _flags(array: Any, column: Column) -> list[Any]:
    from pyarrow import types

    if not (types.is_boolean(array.type) or types.is_null(array.type)):
        raise _other_type(column, array.type)
    return list(array.to_pylist())


_MICROSECONDS = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def _moments(array: Any, column: Column, faults: Faults) -> list[Any]:
    from pyarrow import types

    kind = array.type
    if types.is_timestamp(kind) and kind.tz:
        times, parts = _MICROSECONDS[kind.unit]
        counts = array.view("int64").to_pylist()
        return [_place(column, faults, place, _since_epoch, each, times, parts) for place, each in enumerate(counts)]
    if types.is_timestamp(kind):
        raise InvalidInput(column.name, "its timestamps have no time zone", "Send UTC: timestamp[us, tz=UTC].")
    if not (_is_text(kind) or types.is_dictionary(kind) or types.is_null(kind)):
        raise _other_type(column, kind)
    texts = _texts(array, column)
    return [_place(column, faults, place, datetime.fromisoformat, each) for place, each in enumerate(texts)]


def _since_epoch(count: int, times: int, parts: int) -> datetime:
    return EPOCH + timedelta(microseconds=count * times // parts)


def _place(column: Column, faults: Faults, place: int, read: Callable[..., Any], value: Any, *rest: Any) -> Any:
    """Return a value as it is read, None if it is null; one that cannot be read is the fault of its row alone."""
    if value is None:
        return None
    try:
        return read(value, *rest)
    except (ValueError, OverflowError):
        sentence = f"{column.name}: {str(value)[:40]!r} is not a moment. Send one such as 2013-08-01T04:00:00Z."
        faults.setdefault(place, (column.name, sentence))
        return str(value)


def _other_type(column: Column, kind: Any) -> InvalidInput:
    return InvalidInput(
        column.name, f"the column holds {str(kind)[:60]}", f"Send {_sort(column)}; nothing was recorded."
    )


_READERS: Mapping[Sort, Callable[[Any, Column], list[Any]]] = {
    Sort.TEXT: _texts,
    Sort.NUMBER: _numbers,
    Sort.WHOLE: _whole,
    Sort.FLAG: _flags,
}
