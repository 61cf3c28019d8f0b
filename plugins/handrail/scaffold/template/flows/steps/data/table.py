"""The table that this project learns from: how it is read, and what of it was known at a moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from handrail.errors import InvalidInput, MissingFile
from handrail.use_case import UseCase, read_use_case

SOURCE = Path("data") / "source" / "table.parquet"
USE_CASE = read_use_case(Path(__file__).resolve().parents[3])
MOMENT = pl.Datetime("us", "UTC")


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
            or it holds a class that label.classes lacks.
    """
    try:
        present = pl.read_parquet_schema(project / SOURCE)
        if gone := [name for name in columns(use_case) if name not in present]:
            remedy = "Bring it back, or take it out of config/use_case.yaml, in a set with the next number."
            raise InvalidInput(str(SOURCE), f"it lacks the column {gone[0]!r}", remedy)
        table = pl.read_parquet(project / SOURCE, columns=columns(use_case))
        _require_known_classes(table, use_case)
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


def _require_known_classes(table: pl.DataFrame, use_case: UseCase) -> None:
    if use_case.label.classes is None:
        return
    values = table.get_column(use_case.label.column).cast(pl.String).drop_nulls().unique().sort()
    if unknown := [value for value in values if value not in use_case.label.classes]:
        problem = f"{use_case.label.column!r} holds {unknown[0]!r}, which label.classes in config/use_case.yaml lacks"
        raise InvalidInput(str(SOURCE), problem, "Add it at the end there: the codes of the others stay as they are.")


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
