"""`make bench-feedback-ingest`: durable feedback beside the disk's own rate, and beside what others take of it."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from tests.benchmarks import feedback_ingest_peers as peers
from tests.benchmarks import harness
from tests.benchmarks.harness import Row
from tests.benchmarks.lineage_ingest import has_postgresql

CASE = "tests.benchmarks.feedback_ingest_case"
LIMIT_S = 120
FULL = bool(os.environ.get("FULL"))
COUNTS = {"fdatasync": 300, "threads": 5_000, "http": 1_500, "sqlite": 300, "nats": 1_000, "mlflow": 50}
BULK = {"bulk": 100_000, "bulk-sqlite-peer": 100_000, "bulk-duckdb": 100_000, "bulk-http": 100_000, "spool": 5_000}
ON_POSTGRESQL = {"threads-postgresql": 2_500, "postgresql-peer": 200}
BULK_ON_POSTGRESQL = {"bulk-postgresql": 100_000, "bulk-postgresql-peer": 100_000}

Results = dict[str, list[dict[str, Any]] | None]


def rates(results: Results, side: str) -> list[float] | None:
    """Return the rows a second of each repeat; stop if a repeat left other rows than were sent."""
    found = results[side]
    if found is None:
        return None
    if not all(one["is_right"] for one in found):
        raise SystemExit(f"{side} left other rows than were sent.")
    return [one["events"] / one["wall_s"] for one in found]


def rows_of(results: Results) -> list[Row]:
    """Compare each way in with its peers."""
    threads, http = "1 a call, 64 threads", "1 a request, 64 connections"
    compared = [
        (threads, "threads", "fdatasync", "fdatasync"),
        (threads, "threads", "sqlite", "sqlite"),
        (http, "http", "fdatasync", "fdatasync"),
        (http, "http", "nats", "nats"),
        (http, "http", "mlflow", "mlflow"),
        ("10^5 by columns", "bulk", "sqlite", "bulk-sqlite-peer"),
        ("10^5 by columns", "bulk", "duckdb", "bulk-duckdb"),
        ("10^5, Arrow over HTTP", "bulk-http", "10^5 by columns", "bulk"),
    ]
    if "bulk-postgresql" in results:
        compared += [
            (f"{threads}, PostgreSQL", "threads-postgresql", "postgresql", "postgresql-peer"),
            ("10^5 by columns, PostgreSQL", "bulk-postgresql", "postgresql", "bulk-postgresql-peer"),
        ]
    rows = [
        harness.compare(case, "speed", "rows/s", rates(results, side) or [], (peer, rates(results, other)))
        for case, side, peer, other in compared
    ]
    rows += [_cpu("10^5 by columns", "cpu_s", results), _cpu("its checks and digests alone", "sift_cpu_s", results)]
    rows += [_waited(threads, "threads", "p99_ms", results), _waited(http, "http", "p99_ms", results)]
    rates(results, "spool")
    spooled = [1e3 * one["p50_ms"] for one in results["spool"] or []]
    return [*rows, harness.alone("a prediction into the spool", "p50", "us", spooled)]


def _cpu(case: str, figure: str, results: Results) -> Row:
    """Compare what a row costs with what it costs plain SQLite: busy machines change that less than the speed."""
    ours = [1e6 * one[figure] / one["events"] for one in results["bulk"] or []]
    theirs = [1e6 * one["cpu_s"] / one["events"] for one in results["bulk-sqlite-peer"] or []]
    return harness.compare(case, "CPU", "us/row", ours, ("sqlite", theirs))


def _waited(case: str, side: str, figure: str, results: Results) -> Row:
    return harness.alone(case, figure.partition("_")[0], "ms", [one[figure] for one in results[side] or []])


def main() -> None:
    """Measure, print, and write the results; FULL=1 measures ten times as many single rows."""
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    peers.install_nats()
    with tempfile.TemporaryDirectory(prefix="feedback-ingest-", dir=harness.RESULTS) as folder:
        os.environ["BENCH_FOLDER"] = folder
        single, bulk = dict(COUNTS), dict(BULK)
        if has_postgresql():
            single |= ON_POSTGRESQL
            bulk |= BULK_ON_POSTGRESQL
        load = harness.quiet_load()
        counts = {side: count * (10 if FULL else 1) for side, count in single.items()} | bulk
        sides = {side: [side, str(count)] for side, count in counts.items()}
        rows = rows_of(harness.interleaved(CASE, sides, limit_s=LIMIT_S))
    harness.finish("feedback-ingest", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
