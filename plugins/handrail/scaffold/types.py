"""What a column of texts means: truths, whole numbers, numbers, moments in several formats, or text.

A sample suggests a reading, and the whole table confirms it: one that fits fewer than nine of ten rows is dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.errors import InvalidInput
from handrail.scaffold.reading import Table
from handrail.use_case import FieldType

LOOKED_AT = 300
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "?")
"""Texts that say that a value is missing, whatever the column holds."""
NOTHING = (*MISSING, "none", "-")
"""In columns that hold no text."""
PAIRS = {"true": "false", "yes": "no", "t": "f", "y": "n"}
TRUTHS = dict.fromkeys(PAIRS, True) | dict.fromkeys(PAIRS.values(), False)
MIXED_FROM = 0.9
DAY = r"\d{4}-\d{1,2}-\d{1,2}"
CLOCK = r"[ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
Parse = Callable[[Any, str], Any]  # makes a polars expression of one and a zone, null where a value does not fit


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a column; of texts, those that `pattern` fits. `says` is what a person should know of it."""

    name: str
    type: FieldType
    parse: Parse
    pattern: str = ""
    says: str = ""

    def convert(self, column: Any, zone: str) -> Any:
        """Return the polars expression of what the column holds, null where a value is missing or does not fit."""
        import polars as pl

        if not self.pattern:
            return self.parse(column, zone)
        text = _cleaned(column, NOTHING)
        return pl.when(text.str.contains(f"^(?:{self.pattern})$")).then(self.parse(text, zone)).otherwise(None)


@dataclass(frozen=True, slots=True)
class Typed:
    """How a column is read in the end; `skipped` says why it cannot be used at all."""

    name: str
    reading: Reading
    skipped: str = ""


def _cleaned(column: Any, missing: Sequence[str]) -> Any:
    import polars as pl

    text = column.str.strip_chars()
    return pl.when(text.str.to_lowercase().is_in(list(missing))).then(None).otherwise(text)


def _truth(text: Any, _zone: str) -> Any:
    import polars as pl

    return text.str.to_lowercase().replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)


def _whole(text: Any, _zone: str) -> Any:
    import polars as pl

    return text.str.strip_prefix("+").cast(pl.Int64, strict=False)


def _number(text: Any, _zone: str) -> Any:
    import polars as pl

    return text.str.strip_prefix("+").cast(pl.Float64, strict=False)


def _without(marks: str, point: str) -> Parse:
    def parse(text: Any, zone: str) -> Any:
        bare = text.str.replace_all(marks, "", literal=True).str.replace_all(point, ".", literal=True)
        return _number(bare, zone)

    return parse


def _days(*formats: str) -> Parse:
    def parse(text: Any, zone: str) -> Any:
        import polars as pl

        return pl.coalesce(in_zone(text.str.to_datetime(each, strict=False, time_unit="us"), zone) for each in formats)

    return parse


def _iso(text: Any, zone: str) -> Any:
    """Read moments with an offset as they are, others in `zone`."""
    import polars as pl

    plain = text.str.replace("T", " ", literal=True).str.replace(",", ".", literal=True)
    full = plain.str.replace("Z$", "+00:00").str.replace(r" ?([+-]\d{2}):?(\d{2})?$", "$1:$2").str.replace(":$", ":00")
    local = [plain.str.to_datetime(each, strict=False, time_unit="us") for each in ISO_LOCAL]
    offset = [
        full.str.to_datetime(f"{each}%:z", strict=False, time_unit="us", time_zone="UTC") for each in ISO_LOCAL[:2]
    ]
    return (
        pl.when(plain.str.contains(r"\d:\d{2}.*(?:Z|[+-]\d{2}:?\d{0,2})$"))
        .then(pl.coalesce(offset))
        .otherwise(pl.coalesce([in_zone(each, zone) for each in local]))
    )


ISO_LOCAL = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def in_zone(local: Any, zone: str) -> Any:
    """Return naive moments of a polars expression as moments in UTC; an hour that a clock skipped is an hour later."""
    import polars as pl

    def aware(naive: Any) -> Any:
        return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    later = aware(local + pl.duration(hours=1))
    return pl.coalesce(aware(local), later).dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))


def _finite(number: Any) -> Any:
    import polars as pl

    return pl.when(number.is_finite()).then(number).otherwise(None)


def _with_clock(day: str) -> tuple[str, ...]:
    return f"{day} %H:%M:%S%.f", f"{day} %H:%M", f"{day} %I:%M %p", day


def _dates(name: str, pattern: str, day: str, says: str = "") -> Reading:
    parse = _days(*_with_clock(day))

    def with_blank(text: Any, zone: str) -> Any:
        return parse(text.str.replace("T", " ", literal=True), zone)

    return Reading(name, "moment", with_blank, rf"{pattern}({CLOCK}( ?[AaPp][Mm])?)?", says)


WHOLE = r"(0|[1-9]\d{0,17})"
NUMBER = r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
GROUPED = r"[+-]?(0|[1-9]\d{0,2}(,\d{3})*)(\.\d+)?"
COMMA = r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}(\.\d{3})+)?(,\d+)?"
READINGS = (
    *(Reading(f"{yes} or {no}", "truth", _truth, f"(?i:{yes}|{no})") for yes, no in PAIRS.items()),
    Reading("whole", "whole", _whole, f"[+-]?{WHOLE}"),
    Reading("number", "number", _number, NUMBER),
    Reading("grouped", "number", _without(",", "."), GROUPED, "its numbers have ',' between thousands"),
    Reading("comma", "number", _without(".", ","), COMMA, "its numbers have a decimal comma"),
    Reading("iso", "moment", _iso, rf"{DAY}({CLOCK} ?(Z|[+-]\d{{2}}:?(\d{{2}})?)?)?"),
    _dates("dotted", r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y", "its dates are day.month.year"),
    _dates("months first", r"\d{1,2}/\d{1,2}/\d{4}", "%m/%d/%Y", "its dates are month/day/year"),
    _dates("days first", r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y", "its dates are day/month/year"),
    _dates("slashes", r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
)
TEXT = Reading("text", "text", lambda column, _zone: _cleaned(column, MISSING))
KINDS_OF_VALUES: Mapping[FieldType, str] = {
    "truth": "yes or no", "whole": "whole numbers", "number": "numbers", "moment": "moments", "text": "texts",
}  # fmt: skip
UNWANTED = "it was named with --leave-out"
AS_TEXT = "Correct it, or take the column as text with --text, or leave it out with --leave-out."


def types_of(table: Table, zone: str, *, as_text: Sequence[str] = (), unread: Sequence[str] = ()) -> dict[str, Typed]:
    """Find out what each column holds; those in `unread` are not looked at.

    Raises:
        InvalidInput: a column mixes numbers or moments with something else, named with the first such row.
    """
    import polars as pl

    everything = table.scan().collect_schema()
    schema = {name: kind for name, kind in everything.items() if name not in unread}
    texts = [name for name, kind in schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    found = {name: _typed(name, kind, name in as_text) for name, kind in schema.items() if name not in texts}
    looked_at = sampled(table, 2_000, texts)
    open_columns = {name: [TEXT] if name in as_text else _suggested(looked_at[name], zone, table) for name in texts}
    while open_columns:
        found |= {name: Typed(name, TEXT) for name, readings in open_columns.items() if readings == [TEXT]}
        open_columns = {name: readings for name, readings in open_columns.items() if name not in found}
        wrong = misfits(table, {name: readings[0] for name, readings in open_columns.items()}, zone)
        for name, (filled, unfit) in wrong.items():
            first, *others = open_columns[name]
            is_rare = unfit <= filled * (1 - MIXED_FROM) and first.type != "truth"
            if not unfit:
                found[name] = Typed(name, first)
            elif is_rare and others == [TEXT]:
                raise _mixed(table, name, first, zone)
            else:
                open_columns[name] = others
        open_columns = {name: readings for name, readings in open_columns.items() if name not in found}
    found |= {name: Typed(name, TEXT, skipped=UNWANTED) for name in unread}
    return {name: found[name] for name in everything}


def sampled(table: Table, rows: int, columns: Sequence[str]) -> Any:
    """Return these columns of at most so many rows from everywhere in the table, as a polars DataFrame of texts."""
    import polars as pl

    step = max(1, -(-table.rows // rows))
    return table.scan().select(pl.col(columns).cast(pl.String)).gather_every(step).collect(engine="streaming")


def _suggested(texts: Any, zone: str, table: Table) -> list[Reading]:
    """Return the readings that most values of a sample fit, best first; text is the last."""
    filled = [text for each in texts.drop_nulls() if (text := each.strip()).lower() not in NOTHING]
    looked_at = filled[:: max(1, len(filled) // LOOKED_AT)]
    fits = {each.name: _share(each, looked_at, zone) for each in READINGS}
    order = {reading.name: number for number, reading in enumerate(READINGS)}
    if table.separator != ",":
        order["comma"], order["grouped"] = order["grouped"], order["comma"]
    likely = [reading for reading in READINGS if fits[reading.name] >= MIXED_FROM]
    return [*sorted(likely, key=lambda each: (-fits[each.name], order[each.name])), TEXT]


def _share(reading: Reading, texts: Sequence[str], zone: str) -> float:
    """Return the part of some texts that a reading fits; 0 if the pattern shows already that it is too small."""
    import polars as pl

    matching = [text for text in texts if re.fullmatch(reading.pattern, text)]
    if len(matching) < len(texts) * MIXED_FROM or not matching:
        return 0.0
    read = pl.DataFrame({"text": matching}).select(reading.convert(pl.col("text"), zone)).to_series()
    return float(read.count()) / len(texts)


def misfits(table: Table, readings: Mapping[str, Reading], zone: str) -> dict[str, tuple[int, int]]:
    """Return of each column of texts how many values it has, and how many of them its reading does not fit."""
    import polars as pl

    if not readings:
        return {}
    names = list(readings)
    counts = [_cleaned(pl.col(name).cast(pl.String), NOTHING).count().alias(f"f{n}") for n, name in enumerate(names)]
    fitting = [
        readings[name].convert(pl.col(name).cast(pl.String), zone).count().alias(f"r{n}")
        for n, name in enumerate(names)
    ]
    found = Counter[str]()
    for _, part in table.parts():
        found.update(part.select(*counts, *fitting).collect().row(0, named=True))
    return {name: (found[f"f{n}"], found[f"f{n}"] - found[f"r{n}"]) for n, name in enumerate(names)}


def first_misfit(table: Table, name: str, reading: Reading, zone: str) -> tuple[Any, ...]:
    """Return the number of the first row whose text a reading does not fit, and the text; there is one."""
    import polars as pl

    text = pl.col(name).cast(pl.String)
    is_wrong = _cleaned(text, NOTHING).is_not_null() & reading.convert(text, zone).is_null()
    wrong = table.scan().with_row_index("row at", offset=1).filter(is_wrong).select("row at", text).head(1)
    return tuple(wrong.collect(engine="streaming").row(0))


def _mixed(table: Table, name: str, reading: Reading, zone: str) -> InvalidInput:
    row, value = first_misfit(table, name, reading, zone)
    known = f"nearly all of its values are {KINDS_OF_VALUES[reading.type]}"
    return InvalidInput(f"column {name!r}", f"{known}, and row {row} is {value[:60]!r}", AS_TEXT)


def _typed(name: str, kind: Any, as_text: bool) -> Typed:
    """Return how a column is read that a Parquet file has as something else than text."""
    import polars as pl

    if as_text and not kind.is_nested():
        return Typed(name, Reading("text", "text", lambda column, _zone: column.cast(pl.String)))
    if kind == pl.Boolean:
        return Typed(name, Reading("truth", "truth", lambda column, _zone: column))
    if kind.is_integer():
        return Typed(name, Reading("whole", "whole", lambda column, _zone: column.cast(pl.Int64, strict=False)))
    if kind.is_float() or kind.is_decimal():
        return Typed(name, Reading("number", "number", lambda column, _zone: _finite(column.cast(pl.Float64))))
    if kind == pl.Date or (kind == pl.Datetime and kind.time_zone is None):
        return Typed(
            name, Reading("moment", "moment", lambda column, zone: in_zone(column.cast(pl.Datetime("us")), zone))
        )
    if kind == pl.Datetime:
        return Typed(
            name,
            Reading(
                "moment",
                "moment",
                lambda column, _zone: column.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
            ),
        )
    return Typed(
        name, TEXT, skipped=f"it holds values of type {str(kind).split('(')[0].lower()}, which have no place here"
    )
