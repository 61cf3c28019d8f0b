"""Checks and digests many events by columns: what a row's rules say, said of a whole column at once.

A column is looked at by its distinct values and its extremes. A row that does not pass for sure is built as a
`Feedback` and judged by the rules of rows, so that both ways let in the same rows and refuse others in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import repeat
from operator import itemgetter, methodcaller, sub
from typing import Any

from handrail.errors import HandrailError, InvalidInput
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.plain import PlainEvent, PlainEvents, plain_event
from handrail.feedback.domain.quarantine import Reason, Rejected, rejected
from handrail.feedback.domain.values import EPOCH, MAX_TEXT, MAX_WHOLE, Feedback, microseconds

Column = Sequence[Any]
REQUIRED = ("kind", "value", "source", "occurred_at", "received_at")
DEFAULTS: Mapping[str, Any] = {
    "prediction_id": "",
    "revision": 0,
    "event_id": None,
    "retracts": False,
    "subject": "",
    "service": "",
    "since": None,
    "until": None,
    "item": "",
    "unit": "",
}
FIELDS = (*REQUIRED, *DEFAULTS)
MOMENTS = ("occurred_at", "received_at", "since", "until")
_LATER = ("subject", "service", "item", "unit")
_FIRST_MOMENT, _LAST_MOMENT = (microseconds(EPOCH.replace(year=year)) for year in (1, 9999))
_NAIVE_EPOCH = EPOCH.replace(tzinfo=None)
MAX_NUMBER = 2.0**53
"""What is larger is looked at by itself: a whole number may be too large for a float."""


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable()


def _is_maybe(text: str) -> bool:
    return text == "" or _is_name(text)


def _is_number(value: float | None) -> bool:
    return value is None or -MAX_NUMBER <= value <= MAX_NUMBER


_Sort = tuple[set[Any], Callable[[Any], bool]]
_NAME: _Sort = ({str}, _is_name)
_MAYBE: _Sort = ({str}, _is_maybe)
_WINDOW: _Sort = ({type(None)}, lambda moment: moment is None)
_PLAIN: Mapping[str, _Sort] = {
    "kind": _NAME,
    "source": _NAME,
    "prediction_id": _MAYBE,
    "event_id": ({str, type(None)}, lambda key: key is None or _is_name(key)),
    "value": ({float, int, type(None)}, _is_number),
    "revision": ({int}, lambda number: 0 <= number <= MAX_WHOLE),
    "retracts": ({bool}, lambda _: True),
    "since": _WINDOW,
    "until": _WINDOW,
    **dict.fromkeys(_LATER, _MAYBE),
}
"""What a value has to be that no rule refuses by itself: its types, and a claim. A window is looked at by itself."""

Check = Callable[[Feedback], None]
"""Refuses an event that its kind does not let in."""


def check_columns(columns: Mapping[str, Column]) -> int:
    """Return the number of rows.

    Raises:
        InvalidInput: a column is missing, unknown, or of another length.
    """
    for name in columns:
        if name not in FIELDS:
            raise InvalidInput(name, "there is no such column", f"Known are: {', '.join(FIELDS)}.")
    for name in REQUIRED:
        if name not in columns:
            raise InvalidInput(name, "the column is missing", "Add it; nothing was recorded.")
    lengths = {name: len(column) for name, column in columns.items()}
    for name, length in lengths.items():
        if length != lengths["kind"]:
            problem = f"it has {length} values, kind has {lengths['kind']}"
            raise InvalidInput(name, problem, "Give each column a value for each row.")
    return lengths["kind"]


@dataclass(frozen=True, slots=True, eq=False)
class SiftedEvents:
    """Rows that are let in, with the place of each among all that were sent, and those that are not, with theirs."""

    events: PlainEvents
    places: Sequence[int]
    rejected: Sequence[tuple[int, Rejected]] = ()

    def __len__(self) -> int:
        return len(self.events) + len(self.rejected)


def sift_events(
    columns: Mapping[str, Column], kinds: Mapping[str, Kind], check: Check, origin: str = ""
) -> SiftedEvents:
    """Let in what the rules and its kind let in.

    Columns have the names and values of `Feedback`; a moment may be whole microseconds since 1970 UTC as well.

    Raises:
        InvalidInput: a column is missing, unknown, or of another length.
    """
    count = check_columns(columns)
    said = {name: columns.get(name, [default] * count) for name, default in DEFAULTS.items()}
    said |= {name: columns[name] for name in REQUIRED}
    said |= {name: list(map(_whole, said[name])) for name in MOMENTS if not _are(said[name], int, type(None))}
    doubtful = _doubtful(said, columns, kinds)
    if not doubtful:
        return SiftedEvents(_plain(said), range(count))
    judged = {
        place: _judged({name: column[place] for name, column in said.items()}, check, origin)
        for place in sorted(doubtful)
    }
    sure = [place for place in range(count) if place not in doubtful]
    rejected = [(place, row) for place, row in judged.items() if isinstance(row, Rejected)]
    more = {place: row for place, row in judged.items() if isinstance(row, PlainEvent)}
    events = _plain(_at(said, sure))
    if not more:
        return SiftedEvents(events, sure, rejected)
    # In the order sent: of equal ids the first counts.
    rows = sorted([*zip(sure, events, strict=True), *more.items()], key=itemgetter(0))
    return SiftedEvents(PlainEvents.of([row for _, row in rows]), [place for place, _ in rows], rejected)


def _at(said: Mapping[str, Column], places: Sequence[int]) -> dict[str, Column]:
    return {name: [column[place] for place in places] for name, column in said.items()}


def _judged(row: dict[str, Any], check: Check, origin: str) -> PlainEvent | Rejected:
    """Judge one row by the rules of rows."""
    try:
        event = Feedback(**row | {name: _moment(row[name]) for name in MOMENTS})
    except InvalidInput as err:
        content = {name: value for name, value in row.items() if value != DEFAULTS.get(name, ...)}
        content |= {name: _moment(content[name]) for name in MOMENTS if name in content}
        return Rejected("feedback", Reason.MALFORMED, err.field, str(err), content, origin)
    try:
        check(event)
    except HandrailError as err:
        return rejected("feedback", err, asdict(event), origin)
    return plain_event(event)


def _whole(moment: Any) -> Any:
    """Return a moment as whole microseconds if it is an aware one, else as it is."""
    is_aware = isinstance(moment, datetime) and moment.utcoffset() is not None
    return microseconds(moment) if is_aware else moment


def _moment(whole: Any) -> Any:
    is_whole = type(whole) is int and _FIRST_MOMENT <= whole <= _LAST_MOMENT
    return EPOCH + timedelta(microseconds=whole) if is_whole else whole


def _are(column: Column, *types: type) -> bool:
    return set(map(type, column)) <= set(types)


def _doubtful(said: Mapping[str, Column], given: Iterable[str], kinds: Mapping[str, Kind]) -> set[int]:
    """Return the places of rows that one of the rules may refuse; what is not `given` has its default."""
    places: set[int] = set()
    for name in given:
        places |= _unlike_others(name, said[name])
    every = range(len(said["kind"]))
    # What comes now compares values, which have to be what they should be.
    rest = [place for place in every if place not in places] if places else every
    return places | {rest[place] for place in _mismatched(_at(said, rest) if places else said, kinds)}


def _unlike_others(name: str, column: Column) -> set[int]:
    """Return the places of values that are not what such a column holds."""
    if name in ("occurred_at", "received_at"):
        return _beyond(column)
    types, claim = _PLAIN[name]
    if set(map(type, column)) <= types:
        return _not_among(column, claim)
    return {place for place, value in enumerate(column) if type(value) not in types or not claim(value)}


def _mismatched(said: Mapping[str, Column], kinds: Mapping[str, Kind]) -> set[int]:
    """Return the places of rows whose values do not go together, or are not as their kind wants them."""
    places = set()
    if any(said["subject"]) or any(said["service"]) or not all(said["prediction_id"]):
        addressed = map(_is_addressed, said["prediction_id"], said["subject"], said["service"])
        places |= {place for place, is_addressed in enumerate(addressed) if not is_addressed}
    values = list(zip(said["kind"], said["value"], said["retracts"], strict=True))
    places |= _not_among(values, lambda row: _is_allowed(row, kinds))
    senders = list(zip(said["kind"], said["source"], said["unit"], strict=True))
    return places | _not_among(senders, lambda row: _may_say(row, kinds)) | _ahead(said, kinds)


def _not_among(column: Column, claim: Callable[[Any], bool]) -> set[int]:
    """Return the places whose value the claim is not true of; it is asked once for equal values."""
    wrong = {value for value in set(column) if not claim(value)}
    return {place for place, value in enumerate(column) if value in wrong} if wrong else set()


def _beyond(moments: Column) -> set[int]:
    if _are(moments, int) and (not moments or _FIRST_MOMENT <= min(moments) <= max(moments) <= _LAST_MOMENT):
        return set()
    return {
        place
        for place, moment in enumerate(moments)
        if type(moment) is not int or not _FIRST_MOMENT <= moment <= _LAST_MOMENT
    }


def _is_addressed(prediction_id: str, subject: str, service: str) -> bool:
    return not subject and not service if prediction_id else bool(subject)


def _is_allowed(row: tuple[str, float | None, bool], kinds: Mapping[str, Kind]) -> bool:
    name, value, retracts = row
    kind = kinds.get(name)
    return kind is not None and retracts is (value is None) and _passes(lambda: kind.check(value))


def _may_say(row: tuple[str, str, str], kinds: Mapping[str, Kind]) -> bool:
    name, source, unit = row
    kind = kinds.get(name)
    return kind is not None and _passes(lambda: kind.check_source(source)) and _passes(lambda: kind.check_unit(unit))


def _passes(check: Callable[[], None]) -> bool:
    try:
        check()
    except HandrailError:
        return False
    return True


def _ahead(said: Mapping[str, Column], kinds: Mapping[str, Kind]) -> set[int]:
    """Return the places of rows that occurred longer after they were received than some kind allows."""
    skews = [kind.clock_skew // timedelta(microseconds=1) for kind in kinds.values() if kind.clock_skew is not None]
    least = min(skews, default=None)
    if least is None or max(map(sub, said["occurred_at"], said["received_at"]), default=0) <= least:
        return set()
    differences = map(sub, said["occurred_at"], said["received_at"])
    return {place for place, difference in enumerate(differences) if difference > least}


def _plain(said: Mapping[str, Column]) -> PlainEvents:
    """Return rows that pass as plain values."""
    values = [None if value is None else float(value) for value in said["value"]]
    bodies = list(_digests(said, values))
    keys: Column = said["event_id"]
    if not any(keys):
        keys = list(map(bytes.hex, bodies))
    elif not all(keys):
        keys = [key or body.hex() for key, body in zip(keys, bodies, strict=True)]
    columns = {**said, "event_id": keys, "value": values, "body": bodies}
    return PlainEvents(tuple(columns[name] for name in PlainEvent._fields))


def _digests(said: Mapping[str, Column], values: Column) -> Iterator[bytes]:
    """Yield the digest of each body as `Feedback.body_digest` makes it."""
    texts: Column = ["" if value is None else repr(value) for value in values]
    for name in _LATER:
        if any(said[name]):
            texts = [f"{text}\n{name}={more}" if more else text for text, more in zip(texts, said[name], strict=True)]
    lines = zip(
        said["source"],
        said["prediction_id"],
        said["kind"],
        map(str, said["revision"]),
        _moment_texts(said["occurred_at"]),
        texts,
        strict=True,
    )
    # Chains of C functions: with a line of Python for each row this would take twice as long.
    return map(methodcaller("digest"), map(sha256, map(str.encode, map("\n".join, lines))))


def _moment_texts(moments: Column) -> Iterator[str]:
    """Yield each moment as `moment_text` writes it."""
    later = map(_NAIVE_EPOCH.__add__, map(timedelta, repeat(0), repeat(0), moments))
    return map("{}+00:00".format, map(datetime.isoformat, later, repeat("T"), repeat("microseconds")))
