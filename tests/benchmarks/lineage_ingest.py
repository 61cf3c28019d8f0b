"""`make bench-lineage-ingest`: events into lineage beside Feast's own consumer and the disk's own rate."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks import harness
from tests.benchmarks.harness import Row

CASE = "tests.benchmarks.lineage_ingest_case"
LIMIT_S = 60
LOCAL_POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
COUNTS = {"batched": 5_000, "singly": 300, "at-once": 3_000, "http": 3_000, "feast-consumer": 20, "fdatasync": 300}
ON_POSTGRESQL = {"postgresql": 2_500, "postgresql-singly": 150}

Results = dict[str, list[dict[str, Any]] | None]


def has_postgresql() -> bool:
    """Return whether there is a PostgreSQL to measure: the one of the tests, or one that answers on this machine."""
    import psycopg

    url = os.environ.setdefault("HANDRAIL_TEST_POSTGRES_URL", LOCAL_POSTGRESQL)
    try:
        psycopg.connect(url.replace("+psycopg", ""), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def rates(results: Results, side: str) -> list[float] | None:
    """Return the events a second of each repeat; stop if a repeat left wrong tables."""
    found = results[side]
    if found is None:
        return None
    if not all(one["is_right"] for one in found):
        raise SystemExit(f"{side} left other rows than the events say.")
    return [one["events"] / one["wall_s"] for one in found]


def rows_of(results: Results) -> list[Row]:
    """Compare each way in with its peers."""
    compared = [
        ("500 a batch", "batched", "feast-consumer"),
        ("500 a batch over HTTP", "http", "feast-consumer"),
        ("1 a call", "singly", "feast-consumer"),
        ("1 a call", "singly", "fdatasync"),
        ("1 a call, 64 callers", "at-once", "fdatasync"),
    ]
    if "postgresql" in results:
        compared += [("500 a batch", "batched", "postgresql"), ("1 a call", "singly", "postgresql-singly")]
    rows = [
        harness.compare(
            case, "speed", "events/s", rates(results, side) or [], (peer.removesuffix("-singly"), rates(results, peer))
        )
        for case, side, peer in compared
    ]
    return rows + [_cpu("500 a batch", "batched", results), _cpu("1 a call", "singly", results), _late(results)]


def _cpu(case: str, side: str, results: Results) -> Row:
    ours, theirs = (
        [1e6 * one["cpu_s"] / one["events"] for one in results[each] or []] for each in (side, "feast-consumer")
    )
    return harness.compare(case, "CPU", "us/event", ours, ("feast-consumer", theirs))


def _late(results: Results) -> Row:
    rates(results, "late")
    ours, theirs = ([1e3 * one["wall_s"] for one in results[each] or []] for each in ("late", "late-empty"))
    return harness.compare("late, above 10^5 effects", "time", "ms", ours, ("the same, above none", theirs))


def main() -> None:
    """Measure, print, and write the results."""
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lineage-ingest-", dir=harness.RESULTS) as folder:
        os.environ["BENCH_FOLDER"] = folder
        graph = str(Path(folder) / "late.db")
        harness.measured(CASE, ["late-build", graph], LIMIT_S)
        counts = COUNTS | (ON_POSTGRESQL if has_postgresql() else {})
        sides = {side: [side, str(count)] for side, count in counts.items()}
        sides |= {"late": ["late", graph], "late-empty": ["late", ""]}
        load = harness.quiet_load()
        rows = rows_of(harness.interleaved(CASE, sides, limit_s=LIMIT_S))
    harness.finish("lineage-ingest", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
