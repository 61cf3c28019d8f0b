"""Takes new rows of the same table into a written project: all of them or none, and what is there stays as it is."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from handrail.errors import InvalidInput, MissingFile
from handrail.files import REMEDY, replacing, unwritable
from handrail.scaffold.draft import MADE_SUBJECT
from handrail.scaffold.dvc import dvc
from handrail.scaffold.fitting import Project, read_newer
from handrail.scaffold.moving import Moved, Params, moved, read_params
from handrail.scaffold.reading import Progress, by_polars
from handrail.scaffold.record import read_draft
from handrail.scaffold.rendering import SOURCE
from handrail.tools import require
from handrail.use_case import UseCase, read_use_case


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: rows that are new, were there already, or have no label; and what moves because of it."""

    added: int
    skipped: int
    unlabelled: int
    rows: int
    label: str
    moved: Moved | None


def take_in(file: Path, folder: Path, leave_out: Sequence[str], progress: Progress) -> Taken:
    """Add the new rows of a file to a project's table, at once; a repetition changes nothing.

    A kill leaves the former table or the new one. After a kill the same call completes what DVC records.

    Raises:
        InvalidInput: the file does not fit, or has a row that is there with other values.
        MissingFile: `handrail init` did not write this project, or its table is not there.
        Refused: the project's table has no time.
        Unavailable: the folder cannot be written, or a tool is missing.
    """
    for package in ("polars", "pyarrow", "dvc"):
        require(package, "project")
    project, params = Project(read_draft(folder), read_use_case(folder)), read_params(folder)
    source = folder.resolve() / SOURCE
    with _alone(source) as scratch, by_polars(file.name), unwritable(folder, REMEDY, scratch):
        newer = read_newer(file, project, leave_out, scratch, progress)
        table = _table(source)
        fresh, skipped = _fresh(table, _as_kept(newer.rows, table), project, file.name)
        grown = _with(table, fresh, source) if fresh.height else table
        dvc(folder.resolve(), scratch, "add", SOURCE.as_posix())
    move = _moved(params, project.use_case, table, grown)
    return Taken(fresh.height, skipped, newer.unlabelled, grown.height, project.draft.label.name, move)


def _moved(params: Params, use_case: UseCase, before: Any, after: Any) -> Moved | None:
    """Return where windows move to, of the table before and after."""
    import polars as pl

    event, known = pl.col(use_case.time.event).max(), pl.col(use_case.time.known).max()
    last: tuple[datetime, datetime] = after.select(event, known).row(0)
    zone = ZoneInfo(use_case.time.zone)
    if use_case.replay is not None:
        return moved(params, use_case, use_case.replay.until.astimezone(zone).date(), last)
    latest: datetime = before.select(event).item()
    return moved(params, use_case, latest.astimezone(zone).date() + timedelta(days=1), last)


@contextmanager
def _alone(source: Path) -> Iterator[Path]:
    """Give a folder beside the table for what is needed meanwhile, to one process at a time."""
    if not source.parent.is_dir():
        raise MissingFile(str(SOURCE), f"Fetch it: dvc pull {SOURCE}.")
    with ExitStack() as stack:
        with unwritable(source, REMEDY):
            descriptor = os.open(source.parent, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            scratch = tempfile.TemporaryDirectory(prefix=".", suffix=".next", dir=source.parent)
        yield Path(stack.enter_context(scratch))


def _table(source: Path) -> Any:
    import polars as pl

    try:
        return pl.read_parquet(source, glob=False)
    except FileNotFoundError as err:
        raise MissingFile(str(SOURCE), f"Fetch it: dvc pull {SOURCE}.") from err
    except pl.exceptions.PolarsError as err:
        raise InvalidInput(str(SOURCE), "it cannot be read", f"Take it from DVC: dvc checkout {SOURCE}.") from err


def _as_kept(rows: Any, table: Any) -> Any:
    """Return new rows with the columns and types of the table; numbers of rows are given later."""
    import polars as pl

    for name, kind in table.schema.items():
        if name == MADE_SUBJECT and name not in rows.columns:
            continue
        remedy = "Add the rows to the table by hand."
        if name not in rows.columns:
            raise InvalidInput(str(SOURCE), f"its column {name!r} was not made by handrail init", remedy)
        found = rows.schema[name]
        if found not in (kind, pl.Null) and not (found.is_numeric() and kind.is_numeric()):
            problem = f"its column {name!r} holds values of type {str(kind).lower()}, and not as handrail init wrote it"
            raise InvalidInput(str(SOURCE), problem, remedy)
    kept = [name for name in table.columns if name in rows.columns]
    return rows.select(pl.col(name).cast(table.schema[name]) for name in kept)


def _fresh(table: Any, rows: Any, project: Project, source: str) -> tuple[Any, int]:
    """Return the rows that the table lacks, and how many it has already.

    Raises:
        InvalidInput: a subject is there with other values.
    """
    import polars as pl

    if project.draft.subject is not None:
        distinct = rows.unique(maintain_order=True)
        _check_same(table, distinct, project, source)
        fresh = distinct.join(table, on=project.draft.subject.field, how="anti", maintain_order="left")
        return fresh.select(table.columns), rows.height - fresh.height
    # A row without a subject is there already if as many rows with all its values are.
    content = rows.columns
    nth = pl.int_range(pl.len()).over(content).alias("nth at")
    counted, here = rows.with_columns(nth), table.select(content).with_columns(nth)
    fresh = counted.join(here, on=counted.columns, how="anti", nulls_equal=True, maintain_order="left").drop("nth at")
    last = table[MADE_SUBJECT].cast(pl.Int64).max() or 0
    numbers = pl.int_range(last + 1, last + 1 + pl.len(), dtype=pl.Int64).cast(table.schema[MADE_SUBJECT])
    return fresh.with_columns(numbers.alias(MADE_SUBJECT)).select(table.columns), rows.height - fresh.height


def _check_same(table: Any, rows: Any, project: Project, source: str) -> None:
    """Refuse a subject that has other values in the table, or two rows in the file."""
    import polars as pl

    subject = project.use_case.subject
    key = project.draft.subject.field if project.draft.subject else subject.column
    if (twice := rows.filter(~pl.col(key).is_first_distinct())).height:
        problem = f"{source!r} has {subject.one} {twice[key][0]!r} twice, with different values"
        raise InvalidInput("--table", problem, "Keep one of the rows.")
    both = rows.join(table, on=key, how="inner", suffix=" in table")
    for name in (each for each in rows.columns if each != key):
        other = both.filter(pl.col(name).ne_missing(pl.col(f"{name} in table")))
        if other.height:
            found, there = other[name][0], other[f"{name} in table"][0]
            problem = f"{subject.one} {other[key][0]!r} is there already, with {name!r} {there!r} and not {found!r}"
            remedy = "Remove that row from the file; to correct what is there, write a new project."
            raise InvalidInput("--table", problem, remedy)


def _with(table: Any, fresh: Any, source: Path) -> Any:
    import polars as pl

    grown = pl.concat([table, fresh])
    with replacing(source) as beside:
        grown.write_parquet(beside)
    return grown
