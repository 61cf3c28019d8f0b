"""Cohorts as Arrow tables, by the rules in Python over rows that are read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from handrail.feedback.domain.cohorts import Cohort, build_cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.ports import LabelReader, LogReader
from handrail.tools import require

if TYPE_CHECKING:
    import pyarrow as pa


class PlainLabels(LabelReader):
    """Cohorts by the rules in Python: one table with all rows, which are held at once."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def tables(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[pa.Table]:
        """Yield the cohort at or below the mark as one table, none if it is empty."""
        require("pyarrow", "parquet")
        cohort = build_cohort(scope, kind, self._reader.read(scope, upto, kind.matching))
        if len(cohort):
            yield as_table(cohort)


def cohort_schema() -> pa.Schema:
    """Return the columns of a cohort and their types."""
    import pyarrow as pa

    types = {"moment": pa.timestamp("us", tz="UTC"), "double": pa.float64(), "string": pa.string()}
    plain: dict[str, Any] = {
        "prediction_id": "string", "subject": "string", "deployment": "string", "made_at": "moment",
        "score": "double", "predicted": pa.int32(), "latency_ms": "double", "label": "double",
        "revision": pa.int32(), "mature": pa.bool_(), "variant": "string", "propensity": "double", "sampled": "double",
    }  # fmt: skip
    return pa.schema([(name, types.get(kind, kind)) for name, kind in plain.items()])


def as_table(cohort: Cohort) -> pa.Table:
    """Return a cohort as a table."""
    import pyarrow as pa

    schema, columns = cohort_schema(), cohort.columns()
    return pa.Table.from_arrays([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)
