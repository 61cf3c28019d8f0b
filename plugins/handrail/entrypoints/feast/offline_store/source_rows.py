"""The rows of many parquet files as one table, each column in one type; nothing is rounded, wrapped or guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import polars as pl
import pyarrow as pa
from feast.types import FeastType

from handrail.entrypoints.feast.offline_store.casts import cast, is_changed, partition_type, partition_value
from handrail.entrypoints.feast.offline_store.column_types import column_type, declared_type, is_exact, leaving
from handrail.entrypoints.feast.offline_store.footers import Footer
from handrail.errors import InvalidInput, UnknownReference
from handrail.point_in_time.table import UNREADABLE, unreadable

_FILE = "__file"
_AT_ONCE = 32
_READS_96_BITS = 2
"""The first version of Polars that reads times of 96 bits as microseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take from files: each column with its declared type, None if nothing declares it.

    Attributes:
        what: how errors call the source.
        columns: the columns, by their names after `renamed`.
        required: those of them that no file with rows may lack.
        renamed: name in the files -> name from then on.
    """

    what: str
    columns: Mapping[str, FeastType | None]
    required: Collection[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows that are not read yet, and the Arrow types in which their columns leave.

    Attributes:
        checks: for columns that are cast, the values that the cast would change, by file; empty if all is well.
    """

    rows: pl.LazyFrame
    types: Mapping[str, pa.DataType]
    what: str
    checks: Sequence[tuple[str, pl.DataType, pl.LazyFrame]] = field(default=())

    def verify(self) -> None:
        """Read the columns that are cast and compare each value with what becomes of it.

        Raises:
            InvalidInput: a value would change; the sentence names file, column and value.
        """
        for column, target, changed in self.checks:
            try:
                found = changed.head(1).collect()
            except UNREADABLE as err:
                raise unreadable(f"{self.what}, column {column!r}", err) from err
            for file, value in found.iter_rows():
                raise InvalidInput(
                    self.what,
                    f"its file {file} holds {value!r} in the column {column!r}, which {target} cannot represent",
                    "Correct the value, or declare the field with a type that can.",
                )


@dataclass(frozen=True, slots=True)
class _Part:
    """Files with rows that hold the wanted columns in the same types, and below the same folder names.

    Attributes:
        held: the columns in the files, with their types.
        names: what the files call them.
        partitions: the wanted columns that folder names give.
        options: credentials of an object store.
    """

    paths: Sequence[str]
    held: pl.Schema
    arrow: Mapping[str, pa.DataType]
    names: Mapping[str, str]
    partitions: Mapping[str, str | None]
    options: Mapping[str, str]

    def scan(self, *, with_file: bool = False) -> pl.LazyFrame:
        rows = pl.scan_parquet(
            list(self.paths),
            schema={self.names[name]: dtype for name, dtype in self.held.items()},
            glob=False,
            hive_partitioning=False,
            extra_columns="ignore",
            storage_options=dict(self.options),
            include_file_paths=_FILE if with_file or not self.held else None,
        )
        return rows.rename({stored: name for name, stored in self.names.items() if stored != name})


def open_rows(footers: Sequence[Footer], wanted: Wanted, options: Mapping[str, str], scheme: str = "") -> SourceRows:
    """Describe the wanted columns of files; no row is read.

    Args:
        footers: the files, in the order in which their rows are to come; there is one at least.
        wanted: the columns.
        options: credentials of an object store, as Polars takes them.
        scheme: what Polars needs before the path of a file.

    Raises:
        UnknownReference: no file has a column.
        InvalidInput: a file lacks a required column, or no type fits what files hold.
    """
    footers = [_renamed(footer, wanted.renamed) for footer in footers]
    _require_columns(footers, wanted)
    filled = [footer for footer in footers if footer.rows] or footers[:1]
    parts = _parts(filled, wanted, options, scheme)
    targets = {column: _target(column, parts, wanted) for column in wanted.columns}
    types = {column: _leaving(column, parts, targets[column], wanted.columns[column]) for column in targets}
    rows = _concat([part.scan().with_columns(_casts(part, targets, wanted.what)).select(*targets) for part in parts])
    checks = [check for part in parts for check in _checks(part, targets)]
    return SourceRows(rows, types, wanted.what, checks)


def _renamed(footer: Footer, names: Mapping[str, str]) -> Footer:
    if not names:
        return footer
    stored = sorted(footer.types, key=lambda name: name in names)  # a renamed column hides another of its new name
    return replace(
        footer,
        types={names.get(name, name): footer.types[name] for name in stored},
        names={names.get(name, name): name for name in stored},
        file=replace(
            footer.file, partitions={names.get(name, name): text for name, text in footer.file.partitions.items()}
        ),
    )


def _require_columns(footers: Sequence[Footer], wanted: Wanted) -> None:
    names = {name: None for footer in footers for name in (*footer.types, *footer.file.partitions)}
    for column in wanted.columns:
        if column not in names:
            raise UnknownReference(
                f"column of {wanted.what[0].lower()}{wanted.what[1:]}", column, f"Its source has {', '.join(names)}."
            )
    for footer in footers:
        for column in wanted.required:
            if footer.rows and column not in footer.types and column not in footer.file.partitions:
                raise InvalidInput(
                    wanted.what,
                    f"its file {footer.file.path} has no column {column!r}, which other files have",
                    "Write the file with it.",
                )


def _parts(footers: Sequence[Footer], wanted: Wanted, options: Mapping[str, str], scheme: str) -> list[_Part]:
    def alike(footer: Footer) -> tuple[object, ...]:
        partitions = footer.file.partitions
        return tuple((partitions.get(name, footer.types.get(name)), footer.names.get(name)) for name in wanted.columns)

    read: dict[tuple[object, ...], pl.Schema] = {}
    parts = []
    for _, same in groupby(footers, alike):
        members = list(same)
        first, paths = members[0], [f"{scheme}{member.file.path}" for member in members]
        partitions = {name: text for name, text in first.file.partitions.items() if name in wanted.columns}
        arrow = {name: first.types[name] for name in wanted.columns if name in first.types and name not in partitions}
        names = {name: first.names.get(name, name) for name in arrow}
        signature = (tuple(arrow.items()), tuple(names.values()))
        if signature not in read:
            stored = _schema(paths[0], options, wanted.what)
            held = {name: _held(arrow[name], stored[names[name]], paths[0], wanted.what) for name in arrow}
            read[signature] = pl.Schema(held)
        parts.append(_Part(paths, read[signature], arrow, names, partitions, options))
    return parts


def _held(arrow: pa.DataType, stored: pl.DataType, path: str, what: str) -> pl.DataType:
    """Return the type to read a column in: for times of 96 bits that of the footer, Polars has nanoseconds there."""
    if arrow != pa.timestamp("us") or stored == pl.Datetime("us"):
        return stored
    if int(pl.__version__.partition(".")[0]) < _READS_96_BITS:
        raise InvalidInput(
            what,
            f"its file {path} has times of 96 bits, and Polars {pl.__version__} cuts them off in the year 2262",
            f"Install Polars {_READS_96_BITS} or later, or write the times in microseconds.",
        )
    return pl.Datetime("us")


def _schema(path: str, options: Mapping[str, str], what: str) -> pl.Schema:
    """Return the columns of a file with their types as Polars reads them."""
    try:
        return pl.scan_parquet(
            path, glob=False, hive_partitioning=False, storage_options=dict(options)
        ).collect_schema()
    except UNREADABLE as err:
        raise unreadable(what, err) from err


def _target(column: str, parts: Sequence[_Part], wanted: Wanted) -> pl.DataType:
    declared = wanted.columns[column]
    held = {part.held[column]: part.paths[0] for part in parts if column in part.held}
    texts = [part.partitions[column] for part in parts if column in part.partitions]
    named = [declared_type(declared) or partition_type(texts)] if texts else []
    target = column_type([*held, *named], declared)
    if target is None:
        (one, first), (other, second) = list(held.items())[:2]
        raise InvalidInput(
            wanted.what,
            f"the column {column!r} is {one} in {first} and {other} in {second}, and no type fits both",
            "Write the files with one type.",
        )
    return target


def _leaving(column: str, parts: Sequence[_Part], target: pl.DataType, declared: FeastType | None) -> pa.DataType:
    holding = [part for part in parts if column in part.held]
    return leaving([part.arrow[column] for part in holding], [part.held[column] for part in holding], target, declared)


def _casts(part: _Part, targets: Mapping[str, pl.DataType], what: str) -> list[pl.Expr]:
    """Return the columns that the files do not hold as they are to come out."""
    needed = [column for column, target in targets.items() if part.held.get(column) != target]
    return [_column(part, column, targets[column], what).alias(column) for column in needed]


def _column(part: _Part, column: str, target: pl.DataType, what: str) -> pl.Expr:
    if column in part.held:
        return cast(column, part.held[column], target)
    text = part.partitions.get(column)
    try:
        return partition_value(text, target)
    except (ValueError, KeyError, pl.exceptions.PolarsError) as err:
        raise InvalidInput(
            what,
            f"the folder {column}={text} above {part.paths[0]} is no value of the type {target}",
            "Rename the folder, or declare the field with another type.",
        ) from err


def _checks(part: _Part, targets: Mapping[str, pl.DataType]) -> list[tuple[str, pl.DataType, pl.LazyFrame]]:
    """Return for each column whose cast may change a value: the values that it changes, with their files."""
    cast_here = [column for column in part.held if not is_exact(part.held[column], targets[column])]
    return [
        (
            column,
            targets[column],
            part.scan(with_file=True)
            .filter(is_changed(column, part.held[column], targets[column]))
            .select(_FILE, column),
        )
        for column in cast_here
    ]


def _concat(rows: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Return all rows, in order; in steps, since Polars takes quadratic time for one long list."""
    while len(rows) > 1:
        rows = [pl.concat(rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)]
    return rows[0]
