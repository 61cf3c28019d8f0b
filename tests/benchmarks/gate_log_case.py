"""One measurement of the gate's log, as JSON: `verify LOG`, `append FOLDER` or `commit FOLDER`, the disk's rate."""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from handrail.approvals import LogVerifier
from handrail.approvals.adapters.ed25519_notes import read_key
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.domain.leaves import Leaf
from tests.fakes.approvals_store import approvals_store, fill_log, log_key, logged_ledger

APPENDS, BEFORE = 1000, 10_000


def verify(folder: Path) -> dict[str, float]:
    """Verify every leaf and tile of a log, as `handrail approvals log verify` does."""
    began, worked = time.perf_counter(), time.process_time()
    checkpoint = LogVerifier(folder, read_key(folder / "log.vkey")).verify().checkpoint
    taken = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - worked}
    return taken | {"leaves": checkpoint.size}


def append(folder: Path) -> dict[str, float]:
    """Append leaves, each in a durable transaction that ends with its proof and signature in hand."""
    with approvals_store("sqlite", folder) as store:
        signer = log_key()
        logged_ledger(store, signer)
        log = SqlLog(store, signer)
        fill_log(log, BEFORE)
        return _timed(lambda number: log.note(Leaf("alarm", "2026-01-01T00:00:00+00:00", {"number": number})))


def commit(folder: Path) -> dict[str, float]:
    """Commit one small row at a time with the same durability, and nothing else."""
    with sqlite3.connect(folder / "bare.db", isolation_level=None) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table leaf (number integer primary key, leaf text)")

        def write(number: int) -> None:
            connection.execute("begin immediate")
            connection.execute("insert into leaf values (?, ?)", (number, "x" * 150))
            connection.execute("commit")

        return _timed(write)


def _timed(step: Callable[[int], object]) -> dict[str, float]:
    taken = []
    for number in range(APPENDS):
        began = time.perf_counter()
        step(number)
        taken.append(1000 * (time.perf_counter() - began))
    return {"p50": statistics.median(taken), "p99": statistics.quantiles(taken, n=100)[98]}


def main(case: str, *arguments: str) -> None:
    """Print one measurement."""
    if case == "verify":
        found = verify(Path(arguments[0]))
    else:
        with tempfile.TemporaryDirectory(dir=arguments[0]) as folder:
            found = {"append": append, "commit": commit}[case](Path(folder))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
