"""Cohorts by columns: parts and the rows of the log behind them, joined by DuckDB some days at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from handrail.feedback.adapters.duckdb_queries import CURRENT, GROUP, tail_days
from handrail.feedback.adapters.duckdb_reading import Parts, Reading
from handrail.feedback.adapters.pyarrow_cohorts import cohort_schema
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Aggregation, Mark, Scope
from handrail.feedback.ports import LabelReader

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 400_000
"""How many predictions a table has at most, unless there are more on one day."""


class DuckdbLabels(LabelReader):
    """Cohorts by columns from parts; where there are none, or no DuckDB, what `plain` reads."""

    def __init__(self, parts: Parts, plain: LabelReader) -> None:
        self._parts, self._plain = parts, plain

    def tables(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[pa.Table]:
        """Yield the cohort at or below the mark, some days a table.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: a file was removed while it was read, or the disk for what does not fit into memory is full.
        """
        parts = self._parts.whole()
        if not parts:
            yield from self._plain.tables(scope, kind, upto)
            return
        with self._parts.reading(parts, scope, kind, upto) as reading:
            for days in _days(reading):
                found = _table(reading, days)
                if found.num_rows:
                    yield found


def _days(reading: Reading) -> Iterator[tuple[date, date]]:
    """Yield runs of days, first and last, each with so many predictions that they can be held at once."""
    counts: dict[date, int] = dict(reading.connection.sql(tail_days(reading.query)).fetchall())
    first, last = reading.query.days
    for part in reading.parts:
        if part.what == "predictions" and first <= part.day <= last:
            counts[part.day] = counts.get(part.day, 0) + part.rows
    held, begin, end = 0, None, None
    for day, rows in sorted(counts.items()):
        if begin is not None and end is not None and held + rows > ROWS_AT_ONCE:
            yield begin, end
            held, begin = 0, None
        begin, end, held = begin or day, day, held + rows
    if begin is not None and end is not None:
        yield begin, end


def _table(reading: Reading, days: tuple[date, date]) -> pa.Table:
    """Return the rows of a run of days, in their order."""
    group, kind = reading.rows(days), reading.query.kind
    asked = f"with made as ({group.made}) select count(*) from ({group.events}) where item <> ''"
    items = reading.connection.sql(asked).fetchall()[0][0] > 0
    current = CURRENT[kind.aggregation if items else "one"]
    sql = GROUP.format(made=group.made, events=group.events, current=current, **reading.query.labels())
    found = reading.connection.sql(sql).to_arrow_table()
    return _summed(found, kind.aggregation).cast(cohort_schema())


def _summed(found: pa.Table, aggregation: Aggregation) -> pa.Table:
    """Put together what has more than two items: exactly, as the rule in Python does."""
    import pyarrow as pa

    several = found.column("several").to_pylist() if found.column("several").null_count < len(found) else None
    if several is not None:
        labels = found.column("label").to_pylist()
        for row, values in enumerate(several):
            if values is not None:
                total = math.fsum(values)
                labels[row] = total if aggregation == "sum" else total / len(values)
        place = found.schema.get_field_index("label")
        found = found.set_column(place, "label", pa.array(labels, pa.float64()))
    return found.drop_columns(["several"])
