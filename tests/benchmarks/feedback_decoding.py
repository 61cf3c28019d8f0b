"""A body with 100,000 events decoded, nothing recorded: each format beside the plain way, a dictionary a row.

The control reads the same Arrow stream by `to_pylist`. `make bench-feedback-decoding` runs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from handrail.entrypoints.http.feedback_decoded import Body
from handrail.entrypoints.http.feedback_formats import ARROW, NDJSON, PARQUET, decode
from tests.benchmarks import harness
from tests.fakes.feedback_bodies import a_table, as_arrow, as_ndjson, as_parquet

ROWS, REPEATS, LIMIT_S = 100_000, 5, 120
NOW = datetime(2026, 11, 30, tzinfo=UTC)
EVENT = {"kind": "ground_truth", "value": 1.0, "source": "feed"}


def main() -> None:
    """Measure, print, and write the results."""
    rows = [
        EVENT | {"prediction_id": f"p-{place}", "occurred_at": f"2026-01-01T{place % 24:02}:00:00+00:00"}
        for place in range(ROWS)
    ]
    table = a_table(rows)
    arrow, parquet, lines = as_arrow(table), as_parquet(table), as_ndjson(rows)
    sides: dict[str, Callable[[], object]] = {
        "Arrow": lambda: decoded(arrow, ARROW).columns,
        "Arrow, as rows": lambda: list(decoded(arrow, ARROW)),
        "Parquet": lambda: decoded(parquet, PARQUET).columns,
        "NDJSON": lambda: decoded(lines, NDJSON),
        "control": lambda: pa.ipc.open_stream(arrow).read_all().to_pylist(),
    }
    load = harness.quiet_load()
    found: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(REPEATS):
        for side, read in sides.items():
            begin = time.perf_counter()
            read()
            found[side].append(ROWS / (time.perf_counter() - begin))
    control = ("to_pylist", found.pop("control"))
    compared = [harness.compare(side, "speed", "rows/s", ours, control) for side, ours in found.items()]
    harness.finish("feedback-decoding", compared, load, LIMIT_S)


def decoded(content: bytes, media: str) -> Any:
    """Return the rows of a body."""
    return decode(Body(content, "feedback", NOW, {"content-type": media}, 10**9)).rows


if __name__ == "__main__":
    main()
