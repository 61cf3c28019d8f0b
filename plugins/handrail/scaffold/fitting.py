"""Reads a newer file as a written project's table was read: the same columns, types, formats and words of the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput, Refused
from handrail.scaffold.answers import text_of
from handrail.scaffold.draft import MADE_KNOWN, Column, Draft
from handrail.scaffold.options import columns_matching
from handrail.scaffold.profile import ROW, text_or_value
from handrail.scaffold.reading import Progress, Table, read_table
from handrail.scaffold.types import (
    KINDS_OF_VALUES,
    PAIRS,
    READINGS,
    TEXT,
    Reading,
    first_misfit,
    misfits,
    types_of,
)
from handrail.scaffold.windows import DELAY
from handrail.use_case import UseCase

BY_NAME: Mapping[str, Reading] = {each.name: each for each in (*READINGS, TEXT)}
DESCRIPTION = "config/use_case.yaml"
CORRECT = "Correct the file, so that it is as the project's table was"


@dataclass(frozen=True, slots=True)
class Newer:
    """Rows of a newer file as the project keeps them (a polars DataFrame); rows without a label are left out."""

    rows: Any
    unlabelled: int


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a written project: what `handrail init` decided, and the description as it is now."""

    draft: Draft
    use_case: UseCase

    @property
    def columns(self) -> dict[str, Column]:
        """The columns that the project's table keeps, by their names in the file."""
        draft = self.draft
        kept = (draft.subject, draft.time, draft.known, *draft.entities, *draft.features, draft.label)
        return {column.name: column for column in kept if column is not None}

    @property
    def as_text(self) -> frozenset[str]:
        """Names of columns that are kept as text, whatever they were read as."""
        return frozenset(each.name for each in (self.draft.subject, *self.draft.entities) if each is not None)

    @property
    def described(self) -> frozenset[str]:
        """Fields that the description names."""
        case = self.use_case
        return frozenset({case.subject.column, case.time.event, case.time.known, *case.entities, *case.request})


def read_newer(file: Path, project: Project, leave_out: Sequence[str], place: Path, progress: Progress) -> Newer:
    """Read a file by the rules of a project; what has to be written for that is written into the folder `place`.

    Raises:
        Refused: the project's table has no time of its own.
        InvalidInput: a column is gone or new, a value has another type, or the label one that is not described.
        MissingFile: there is no such file.
        OSError: the disk is full.
    """
    if project.draft.time is None:
        reason = "Its table has no time, so no row is newer: write a new project, with handrail init and all rows."
        raise Refused("Taking new rows", (reason,))
    table = read_table(file, place, progress, fewest=1)
    present = _present(table, project, leave_out)
    readings = _readings(table, project, present)
    read = _rows(table, readings, project)
    label = project.draft.label
    rows = read.filter(read[label.name].is_not_null())
    _check_times(rows, project)
    known = [] if project.draft.known else [(_column(project.draft.time) + DELAY).alias(MADE_KNOWN)]
    fields = [_kept(column, name in readings, project).alias(column.field) for name, column in present.items()]
    return Newer(rows.select(*known, *fields), read.height - rows.height)


def _present(table: Table, project: Project, leave_out: Sequence[str]) -> dict[str, Column]:
    """Return the columns to take; one that the description no longer names may be missing."""
    unwanted = columns_matching(leave_out, "--leave-out", table.names)
    known = {*project.columns, *(column.name for column, _ in project.draft.left_out), *unwanted}
    for name, column in project.columns.items():
        is_read = column.field in project.described or column is project.draft.label
        if name not in table.names and is_read:
            remedy = f"Bring it back; README.md of the project says how to go without it ({column.field})."
            raise InvalidInput("--table", f"{table.source!r} lacks the column {name!r}", remedy)
    if fresh := [name for name in table.names if name not in known]:
        problem = f"{table.source!r} has a column that the project does not know: {fresh[0]!r}"
        raise InvalidInput("--table", problem, "Go without it: --leave-out and its name; or write a new project.")
    return project.columns


def _readings(table: Table, project: Project, columns: Mapping[str, Column]) -> dict[str, Reading]:
    """Return how each column of the file is read, after checking that all its values fit."""
    import polars as pl

    recorded, zone = dict(project.draft.readings), project.draft.zone
    schema = table.scan().collect_schema()
    texts = {name for name, kind in schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)}
    fixed = {name: BY_NAME[recorded[name]] for name in columns if name in texts and recorded.get(name) in BY_NAME}
    if project.draft.label.name in texts and is_word(project):
        fixed[project.draft.label.name] = TEXT
    found = types_of(table, zone, unread=[name for name in table.names if name not in columns or name in fixed])
    readings = {name: fixed.get(name) or found[name].reading for name in columns if name in schema}
    for name, (_, unfit) in misfits(table, {n: r for n, r in fixed.items() if r.pattern}, zone).items():
        if unfit:
            row, value = first_misfit(table, name, fixed[name], zone)
            kind = KINDS_OF_VALUES[fixed[name].type]
            how = f" ({fixed[name].says})" if fixed[name].says else ""
            problem = f"it is {value[:60]!r} in row {row}, and the project reads {kind}{how}"
            raise InvalidInput(f"column {name!r}", problem, f"{CORRECT}.")
    for name in readings.keys() - fixed.keys():
        if found[name].skipped:
            raise InvalidInput(f"column {name!r}", found[name].skipped, f"{CORRECT}.")
        _check_type(name, readings[name], project, recorded.get(name), schema[name])
    return readings


def is_word(project: Project) -> bool:
    """Say whether the label's values are words, looked up as the file writes them."""
    recorded = dict(project.draft.readings).get(project.draft.label.name, "text")
    is_number = recorded in ("whole", "number", "grouped", "comma")
    return project.draft.kind in ("binary", "multiclass") and not is_number


def _check_type(name: str, reading: Reading, project: Project, recorded: str | None, kind: Any) -> None:
    """Refuse a column whose type is another one than what the project's table was read as."""
    import polars as pl

    described = project.columns[name].type
    expected = BY_NAME[recorded].type if recorded and recorded in BY_NAME else recorded or described
    is_open = recorded is None and name in project.as_text
    is_label = name == project.draft.label.name and project.draft.kind in ("binary", "multiclass")
    is_wider = expected == "number" and reading.type == "whole"
    if is_open or is_label or is_wider or reading.type == expected or kind == pl.Null:
        return
    expected_kind = KINDS_OF_VALUES[expected]  # type: ignore[index]  # a recorded name is one of its keys
    problem = f"its values are {KINDS_OF_VALUES[reading.type]}, and the project reads {expected_kind}"
    raise InvalidInput(f"column {name!r}", problem, f"{CORRECT}.")


def _rows(table: Table, readings: Mapping[str, Reading], project: Project) -> Any:
    """Return every row of a file as it is meant, with its number and by the names of the file."""
    import polars as pl

    zone = project.draft.zone
    columns = [reading.convert(text_or_value(table, name), zone).alias(name) for name, reading in readings.items()]
    rows = pl.concat(
        part.with_row_index(ROW, offset=before + 1).select(ROW, *columns).collect() for before, part in table.parts()
    )
    label = project.draft.label.name
    return rows.with_columns(_label(rows, project).alias(label))


def _label(rows: Any, project: Project) -> Any:
    """Return the label as the project keeps it (a polars Series), after checking each value."""
    import polars as pl

    draft, values = project.draft, rows[project.draft.label.name]
    if draft.kind in ("regression", "count"):
        if draft.kind == "count" and (values.min() or 0) < 0:
            row = rows.filter(values < 0)[ROW][0]
            raise InvalidInput(
                f"column {draft.label.name!r}", f"it is negative in row {row}, and is a count", CORRECT + "."
            )
        return values.cast(pl.Int64 if draft.kind == "count" else pl.Float64)
    words = _words(project)
    meant: dict[Any, Any] = {}
    for value in values.drop_nulls().unique().sort():
        text = text_of(value)
        found = words.get(text, words.get(text.casefold()) if draft.kind == "binary" else None)
        if found is None:
            row = rows.filter(values == value)[ROW][0]
            raise _undescribed(text, row, project)
        meant[value] = found
    return values.replace_strict(meant, return_dtype=pl.Boolean if draft.kind == "binary" else pl.String)


def _words(project: Project) -> dict[str, Any]:
    """Return what each value of the label means: of the description, and of what the table was called at first."""
    draft, label = project.draft, project.use_case.label
    if draft.kind == "multiclass":
        return {name: name for name in label.classes or ()}
    positive, negative = draft.positive or "", draft.negative or ""
    words = {positive: True, negative: False, str(label.positive): True, str(label.negative): False}
    if positive.casefold() in PAIRS or negative.casefold() in PAIRS:
        is_positive = positive.casefold() in PAIRS
        words |= {"true": is_positive, "false": not is_positive}
        words |= {text.casefold(): value for text, value in words.items()}
    return words


def _undescribed(text: str, row: int, project: Project) -> InvalidInput:
    label, name = project.use_case.label, project.draft.label.name
    described = label.classes or (label.positive, label.negative)
    remedy = f"Correct the file, or {DESCRIPTION}"
    remedy += ": add a class at the end of label.classes." if label.classes else ": rename `positive` or `negative`."
    problem = f"the label is {text!r} in row {row}, and {DESCRIPTION} describes {', '.join(map(repr, described))}"
    return InvalidInput(f"column {name!r}", problem, remedy)


def _check_times(rows: Any, project: Project) -> None:
    draft = project.draft
    times = [column.name for column in (draft.time, draft.known) if column is not None]
    latest = datetime.now(UTC) + timedelta(days=1)
    for name in times:
        for wrong, problem in (
            (rows[name].is_null(), "it is empty"),
            (rows[name] > latest, "it lies in the future"),
            (rows[name] < rows[times[0]], f"it lies before {times[0]!r}"),
        ):
            if wrong.any():
                row = rows.filter(wrong)[ROW][0]
                raise InvalidInput(f"column {name!r}", f"{problem} in row {row}", "Correct the row, or leave it out.")


def _column(column: Column) -> Any:
    import polars as pl

    return pl.col(column.name)


def _kept(column: Column, is_present: bool, project: Project) -> Any:
    import polars as pl

    if not is_present:
        return pl.lit(None)
    return _column(column).cast(pl.String) if column.name in project.as_text else _column(column)
