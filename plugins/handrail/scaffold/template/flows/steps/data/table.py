"""The table that this project learns from: how it is read, and what of it was known at a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from handrail.errors import InvalidInput, Misconfigured, MissingFile
from handrail.label_kinds import NUMERIC
from handrail.use_case import FILE, UseCase, read_use_case

SOURCE = Path("data") / "source" / "table.parquet"
USE_CASE = read_use_case(Path(__file__).resolve().parents[3])
MOMENT = pl.Datetime("us", "UTC")
FITS: Mapping[str, Callable[[pl.DataType], bool]] = {
    "text": lambda kind: kind in (pl.String, pl.Categorical, pl.Enum),
    "whole": lambda kind: kind.is_numeric(),
    "number": lambda kind: kind.is_numeric(),
    "truth": lambda kind: kind == pl.Boolean,
    "moment": lambda kind: kind.is_temporal(),
}
"""Which types a column of the table may have, by the type that config/use_case.yaml describes."""


def columns(use_case: UseCase) -> list[str]:
    """Return the columns that the project reads; whatever else the table has stays where it is."""
    times = (use_case.time.event, use_case.time.known)
    named = (use_case.subject.column, *times, *use_case.entities, *use_case.request, use_case.label.column)
    return list(dict.fromkeys(named))


def read_source(project: Path, use_case: UseCase) -> pl.DataFrame:
    """Read data/source/table.parquet: one row a subject, entities as text, moments in UTC.

    Raises:
        Unavailable: the file is missing.
        InvalidInput: it is not a table, lacks a column, or a column has another type than config/use_case.yaml says;
            or the label has a value that is not described there.
        Misconfigured: a slice is named that is none of the columns that are read.
    """
    _require_slices(use_case)
    try:
        present = pl.read_parquet_schema(project / SOURCE)
        if gone := [name for name in columns(use_case) if name not in present]:
            remedy = "Bring it back, or take it out of config/use_case.yaml, in a set with the next number."
            raise InvalidInput(str(SOURCE), f"it lacks the column {gone[0]!r}", remedy)
        table = pl.read_parquet(project / SOURCE, columns=columns(use_case))
        _require_types(table, use_case)
        table = _with_described_label(table, use_case)
        moments = {use_case.time.event, use_case.time.known}
        moments |= {name for name, field in use_case.request.items() if field.type == "moment"}
        return table.with_columns(
            *(pl.col(name).cast(MOMENT) for name in sorted(moments)),
            *(pl.col(name).cast(pl.String) for name in sorted({use_case.subject.column, *use_case.entities})),
        )
    except FileNotFoundError as err:
        raise MissingFile(str(SOURCE), f"Fetch it: dvc pull {SOURCE}.") from err
    except pl.exceptions.PolarsError as err:
        problem = str(err).splitlines()[0].rstrip(".")
        raise InvalidInput(str(SOURCE), f"it cannot be read: {problem}", "Correct it or config/use_case.yaml.") from err


def _require_slices(use_case: UseCase) -> None:
    """Refuse a slice that no row has."""
    known = {*columns(use_case), use_case.time.day}
    if gone := [name for name in use_case.slices if name not in known]:
        remedy = "Take it out of slices, or name its column under request."
        raise Misconfigured(FILE.as_posix(), f"slices name {gone[0]!r}, which no row has", remedy)


def _require_types(table: pl.DataFrame, use_case: UseCase) -> None:
    """Refuse a column of the request, or a label that is a number, whose values are of another type than described."""
    described = {name: field.type for name, field in use_case.request.items() if name not in use_case.entities}
    described.pop(use_case.subject.column, None)
    if use_case.label.kind in NUMERIC:
        described[use_case.label.column] = "number"
    for name, kind in described.items():
        found = table.schema[name]
        if found != pl.Null and not FITS[kind](found):
            problem = f"{name!r} holds values of type {str(found).lower()}, and config/use_case.yaml describes {kind}"
            raise InvalidInput(str(SOURCE), problem, "Correct the column, or its type there.")


def _with_described_label(table: pl.DataFrame, use_case: UseCase) -> pl.DataFrame:
    """Return the table after checking each value of the label; words of a binary one become true and false."""
    label = use_case.label
    if label.kind == "binary":
        codes = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
        words = {str(label.positive): True, str(label.negative): False}
        is_text = table.schema[label.column] in (pl.String, pl.Categorical, pl.Enum)
        meant: dict[str, bool] | dict[str, str] = words if is_text else codes
    elif label.classes is not None:
        meant = dict(zip(label.classes, label.classes, strict=True))
    else:
        return table
    texts = table.get_column(label.column).cast(pl.String)
    if unknown := [value for value in texts.drop_nulls().unique().sort() if value not in meant]:
        raise _undescribed(unknown[0], use_case)
    kind = pl.Boolean if label.kind == "binary" else pl.String
    return table.with_columns(texts.replace_strict(meant, return_dtype=kind).alias(label.column))


def _undescribed(value: str, use_case: UseCase) -> InvalidInput:
    label = use_case.label
    if label.kind == "binary":
        described = f"describes {label.positive!r} as positive and {label.negative!r} as negative"
        remedy = "Write one of them in the table, or rename `positive` or `negative` there."
    else:
        described = f"describes {', '.join(map(repr, label.classes or ()))}"
        remedy = "Write one of them in the table, or add it at the end of label.classes there: codes stay as they are."
    return InvalidInput(str(SOURCE), f"{label.column!r} holds {value!r}, and config/use_case.yaml {described}", remedy)


def known_at(rows: pl.DataFrame, as_of: datetime, use_case: UseCase) -> pl.DataFrame:
    """Keep rows whose moment has come; blank labels that were not known yet.

    Raises:
        InvalidInput: nothing was known at `as_of`.
    """
    event, known, label = use_case.time.event, use_case.time.known, use_case.label.column
    is_known = pl.col(known) <= as_of
    kept = rows.filter(pl.col(event) <= as_of).with_columns(
        pl.when(is_known).then(pl.col(label)).alias(label), pl.when(is_known).then(pl.col(known)).alias(known)
    )
    if kept.is_empty():
        problem = f"no {use_case.subject.one} was known at {as_of.isoformat()}"
        raise InvalidInput("as_of", problem, "Choose a later one in params.yaml.")
    return kept


def with_day(rows: pl.DataFrame, use_case: UseCase) -> pl.DataFrame:
    """Add the local calendar day of each row."""
    local = pl.col(use_case.time.event).dt.convert_time_zone(use_case.time.zone)
    return rows.with_columns(local.dt.date().alias(use_case.time.day))


def label_values(use_case: UseCase) -> pl.Expr:
    """Return the label as models learn it: 0 and 1, the code of a class, or a number."""
    label = pl.col(use_case.label.column)
    if use_case.label.kind == "binary":
        return label.cast(pl.Int8)
    if use_case.label.classes is None:
        return label.cast(pl.Float64)
    codes = {name: code for code, name in enumerate(use_case.label.classes)}
    return label.cast(pl.String).replace_strict(codes, return_dtype=pl.Int8)
