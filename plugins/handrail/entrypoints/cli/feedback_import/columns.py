"""From the columns of a file to the fields of predictions and feedback: which gives which, and what a cell means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from handrail.entrypoints.http.feedback_messages import FeedbackLine, PredictionMessage
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Prediction, prediction_id_for

OF_FEEDBACK, OF_PREDICTIONS = frozenset(FeedbackLine.model_fields), frozenset(PredictionMessage.model_fields)
FIELDS = OF_FEEDBACK | OF_PREDICTIONS
EXACT = 2**53
NUMBERS = frozenset({"value", "score", "latency_ms", "propensity", "sampled"})
WHOLE = frozenset({"revision", "label"})
MOMENTS = frozenset({"occurred_at", "received_at", "since", "until", "made_at"})
TRUTHS = frozenset({"retracts"})
WORDS = {"true": True, "yes": True, "y": True, "t": True, "false": False, "no": False, "n": False, "f": False}
NEEDED = {
    False: (("kind",), ("source",), ("occurred_at",), ("value", "retracts"), ("prediction_id", "subject")),
    True: (("deployment",), ("subject",), ("made_at",), ("score",), ("label",)),
}
"""The fields that rows need, of feedback and of predictions; of several one."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person said about a file: columns of fields, constants of fields, and the zone of moments without one."""

    named: Mapping[str, str]
    fixed: Mapping[str, str]
    zone: ZoneInfo | None = None

    def __bool__(self) -> bool:
        return bool(self.named or self.fixed or self.zone)

    def of(self, header: Sequence[str]) -> Columns:
        """Return which column of a table gives which field.

        Raises:
            InvalidInput: a column that was named is not there, one is there twice, or a field that is needed has none.
        """
        twice = next((name for name in header if name and header.count(name) > 1), None)
        if twice is not None:
            raise InvalidInput("columns", f"{twice!r} is there twice", "Give each column a name of its own.")
        for field, column in self.named.items():
            if column not in header:
                there = ", ".join(filter(None, header))
                raise InvalidInput("--map", f"{field}={column}: there is no such column", f"Those there are: {there}.")
        own = {name: name for name in header if name in FIELDS and name not in self.fixed and name not in self.named}
        columns = Columns({**own, **self.named}, self)
        columns.require()
        return columns

    def of_object(self, row: Mapping[str, Any]) -> Columns:
        """Return which member of one JSON object gives which field; what has no field keeps its name."""
        taken = {*self.named.values(), *self.fixed, *self.named}
        own = {name: name for name in row if name not in taken and (name in FIELDS or not self.named)}
        return Columns({**own, **self.named}, self)


class Columns:
    """Which column gives which field, and what each cell means."""

    def __init__(self, named: Mapping[str, str], options: Options) -> None:
        """Take each field from the column that is named for it, or from the constants of `options`."""
        self.named = named
        self.is_about_predictions = "score" in named or "score" in options.fixed
        self._zone = options.zone
        self._given = {*named, *options.fixed}
        others = (OF_FEEDBACK if self.is_about_predictions else OF_PREDICTIONS) - self._own
        self._plan = [(field, column, _reader(field)) for field, column in named.items() if field not in others]
        self._texts = {field: text for field, text in options.fixed.items() if field not in others}
        self._fixed = {field: _reader(field)(field, text, self._zone) for field, text in self._texts.items()}

    @property
    def _own(self) -> frozenset[str]:
        return OF_PREDICTIONS if self.is_about_predictions else OF_FEEDBACK

    def require(self) -> None:
        """Refuse a table that lacks a field as a whole, before any row is read.

        Raises:
            InvalidInput: no column and no constant gives the field.
        """
        for either in NEEDED[self.is_about_predictions]:
            if self._given.isdisjoint(either):
                remedy = f"Name the column with --map {either[0]}=COLUMN, or a constant with --set {either[0]}=VALUE."
                raise InvalidInput("columns", f"none gives {' or '.join(either)}", remedy)

    def read(self, row: Mapping[str, Any], now: datetime) -> Prediction | Feedback:
        """Return what a row says, received `now` if it does not say; an empty cell is left out.

        Raises:
            InvalidInput: a cell is not what its field takes, or a field is missing or unknown; the error names it.
        """
        fields: dict[str, Any] = {}
        for field, column, read in self._plan:
            cell = row.get(column)
            if not _is_empty(cell):
                fields[field] = read(field, cell, self._zone)
        fields |= self._fixed
        self._check(fields)
        if not self.is_about_predictions:
            return Feedback(**{"prediction_id": "", "value": None, "revision": 0, "received_at": now} | fields)
        if "prediction_id" not in fields:
            fields["prediction_id"] = prediction_id_for(fields["deployment"], fields["subject"], fields["made_at"])
        return Prediction(**fields)

    def plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row by its fields as JSON has them, with the cells that cannot be read as they are."""
        found: dict[str, Any] = {}
        for field, column, read in self._plan:
            cell = row.get(column)
            if _is_empty(cell):
                continue
            try:
                value = read(field, cell, self._zone)
            except InvalidInput:
                value = cell
            found[field] = value.isoformat() if isinstance(value, date) else value
        return found | self._texts

    def _check(self, fields: Mapping[str, Any]) -> None:
        for either in NEEDED[self.is_about_predictions]:
            if len(either) == 1 and either[0] not in fields:
                raise InvalidInput(either[0], "it is missing", "Fill the cell.")
        unknown = next((field for field in fields if field not in self._own), None)
        if unknown is not None:
            raise InvalidInput(unknown, "there is no such field", "Leave it out, or name it with --map.")


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, str) and cell.isspace())


Reader = Callable[[str, Any, ZoneInfo | None], Any]


def _reader(field: str) -> Reader:
    if field in NUMBERS:
        return _number
    if field in WHOLE:
        return _whole
    if field in MOMENTS:
        return _moment
    return _truth if field in TRUTHS else _text


def _number(field: str, cell: Any, _zone: ZoneInfo | None = None) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError) as err:
        word = str(cell).strip().lower()
        if word in WORDS:
            return float(WORDS[word])
        raise InvalidInput(field, f"{str(cell)[:40]!r} is not a number", "Write it as 12.5.") from err


def _whole(field: str, cell: Any, zone: ZoneInfo | None) -> float:
    number = _number(field, cell, zone)
    return int(number) if math.isfinite(number) and number == int(number) else number


def _truth(field: str, cell: Any, _zone: ZoneInfo | None) -> bool:
    known = WORDS | {"1": True, "0": False}
    word = str(int(cell) if isinstance(cell, bool | int | float) else cell).strip().lower()
    if word not in known:
        raise InvalidInput(field, f"{str(cell)[:40]!r} is neither true nor false", "Write true or false.")
    return known[word]


def _moment(field: str, cell: Any, zone: ZoneInfo | None) -> datetime:
    try:
        moment = datetime.fromisoformat(cell.strip() if isinstance(cell, str) else cell.isoformat())
    except (ValueError, AttributeError) as err:
        problem = f"{str(cell)[:40]!r} is not a moment"
        raise InvalidInput(field, problem, "Write ISO 8601, as in 2026-11-23T12:00Z.") from err
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        remedy = "Write it with one, or say with --zone Europe/Berlin which one is meant."
        raise InvalidInput(field, f"{str(cell)[:40]!r} has no time zone", remedy)
    return moment.replace(tzinfo=zone)


def _text(_field: str, cell: Any, _zone: ZoneInfo | None) -> str:
    if isinstance(cell, str):
        return cell.strip()
    # Tables of numbers with gaps make 17.0 of an order 17.
    if isinstance(cell, float | Decimal) and math.isfinite(cell) and abs(float(cell)) < EXACT and cell == int(cell):
        return str(int(cell))
    return str(cell)
