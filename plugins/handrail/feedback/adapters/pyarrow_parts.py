"""The files of parts: Parquet in Hive's layout, `<what>/day=2013-08-01/deployment_id=1/<rows>.parquet`.

Types are plain and moments are in UTC, so that Spark, Ray, DuckDB, Polars and Feast read a folder as it is. The columns
`day` and `deployment_id` are in the path alone.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Any

from handrail.feedback.adapters.sql_tables import from_microseconds
from handrail.feedback.domain.parts import WHATS, Part, What
from handrail.feedback.ports import PartFolder
from handrail.files import replacing, sha256_of, unwritable
from handrail.tools import require

REMEDY = "Free the disk or correct the permissions, then run handrail feedback compact again."
_DAY_US = 86_400_000_000
COLUMNS: dict[What, dict[str, str]] = {
    "predictions": {
        "seq": "int64", "deployment": "string", "prediction_id": "string", "subject": "string", "made_at": "moment",
        "score": "double", "predicted": "int32", "features_digest": "string", "feature_service": "string",
        "latency_ms": "double", "variant": "string", "propensity": "double", "sampled": "double",
    },
    "events": {
        "seq": "int64", "deployment": "string", "event_id": "string", "prediction_id": "string", "kind": "string",
        "source": "string", "revision": "int32", "occurred_at": "moment", "received_at": "moment", "value": "double",
        "subject": "string", "service": "string", "since": "moment", "until": "moment", "item": "string",
        "unit": "string",
    },
}  # fmt: skip
"""The columns of a part and their types; a row of the log has its day's moment and its deployment's number beside."""


class PyarrowParts(PartFolder):
    """The files of parts below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other compaction works in the folder, and keep others waiting while the block runs."""
        lock = self._folder / ".lock"
        with unwritable(lock, REMEDY):
            self._folder.mkdir(parents=True, exist_ok=True)
            held = lock.open("a")
        with held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def write(self, what: What, rows: Sequence[tuple[Any, ...]]) -> tuple[Part, ...]:
        """Write rows as parts, each file whole and on disk."""
        require("pyarrow", "parquet")
        places: dict[tuple[date, int, str], list[tuple[Any, ...]]] = {}
        for row in rows:
            places.setdefault((_day(row[1]), row[2], row[3] or ""), []).append(row)
        span = (rows[0][0], rows[-1][0])
        return tuple(self._write(what, place, span, held) for place, held in sorted(places.items()))

    def _write(
        self, what: What, place: tuple[date, int, str], span: tuple[int, int], rows: list[tuple[Any, ...]]
    ) -> Part:
        import pyarrow.parquet as pq

        day, number, deployment = place
        name = f"{what}/day={day}/deployment_id={number}/{span[0]:012}-{span[1]:012}.parquet"
        path = self._folder / name
        with replacing(path, remedy=REMEDY) as beside:
            pq.write_table(as_table(what, rows), beside, compression="zstd")
        return Part(what, name, day, deployment, *span, len(rows), path.stat().st_size, sha256_of(path))

    def problem_of(self, part: Part) -> str | None:
        """Return why a part's file cannot be trusted, or None."""
        path = self._folder / part.path
        try:
            size = path.stat().st_size
            if size != part.size:
                return f"its file has {size:,} bytes, its record says {part.size:,}"
            if sha256_of(path) != part.sha256:
                return "its file has other bytes than those that were written"
            return _other_rows(part, path)
        except OSError as err:
            return f"its file cannot be read: {err.strerror}"

    def keep_only(self, parts: Sequence[Part]) -> None:
        """Remove every file of a part but these, what a killed process left beside them too."""
        known = {self._folder / part.path for part in parts}
        for what in WHATS:
            for file in (self._folder / what).glob("day=*/deployment_id=*/*"):
                if file not in known:
                    with unwritable(file, REMEDY):
                        file.unlink(missing_ok=True)


def _other_rows(part: Part, path: Path) -> str | None:
    """Return what a record says that its file does not have: reading trusts its deployment, day and count."""
    require("pyarrow", "parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            held = file.metadata.num_rows
            row = next(file.iter_batches(1, columns=["deployment"])).to_pylist()[0]
    except (pa.ArrowInvalid, StopIteration, IndexError, KeyError):
        return "its file is not one of a part"
    if (row["deployment"] or "") != part.deployment:
        return f"its record says that it is of {part.deployment!r}, its file of {row['deployment']!r}"
    return None if held == part.rows else f"its file has {held:,} rows, its record says {part.rows:,}"


def as_table(what: What, rows: Sequence[tuple[Any, ...]]) -> Any:
    """Return rows of the log as an Arrow table with the columns of a part, sorted by their numbers."""
    import pyarrow as pa

    types = {"moment": pa.timestamp("us", tz="UTC"), "double": pa.float64(), "string": pa.string()}
    schema = pa.schema([(name, types.get(kind) or getattr(pa, kind)()) for name, kind in COLUMNS[what].items()])
    # The moment that gives the day and the deployment's number lie in the path.
    columns = zip(*map(itemgetter(0, *range(3, len(schema) + 2)), rows), strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _day(moment: int) -> date:
    return from_microseconds(moment - moment % _DAY_US).date()
