"""`make bench-label-join`: cohorts by columns beside plain DuckDB over the same files, and beside the rules row by row.

The memory of a figure is that of its process; it has to be about the same for ten times as many predictions.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import harness
from tests.benchmarks.harness import Row
from tests.benchmarks.label_join_case import fill, record

CASE = "tests.benchmarks.label_join_case"
LIMIT_S = 240
MILLION = 1_000_000
RECORDED = 100_000


def joined(folder: Path) -> list[Row]:
    """Join 2M predictions with 1.5M events, in turn with DuckDB's own query."""
    harness.progress("2M predictions, 1.5M events")
    fill(folder, 2 * MILLION)
    sides = {"ours": ("join", str(folder)), "duckdb": ("plain", str(folder))}
    return _compared("2M predictions x 1.5M events", sides, "duckdb") + checked(folder)


def checked(folder: Path) -> list[Row]:
    """Make the digest of a snapshot of the same rows again, as each use of it by columns does first."""
    harness.progress("the digest of a snapshot of 2M predictions")
    found = [harness.measured(CASE, ("digest", str(folder)), LIMIT_S) for _ in range(3)]
    if any(one is None or one["rows"] != 2 * MILLION for one in found):
        raise SystemExit(f"The digest was not made again within {LIMIT_S} s.")
    case = "digest of 2M predictions, 1.5M events"
    return [
        harness.alone(case, metric, unit, [one[name] for one in found if one])
        for metric, unit, name in (("time", "s", "s"), ("peak memory", "MB", "mb"))
    ]


def row_by_row(folder: Path) -> list[Row]:
    """Make the same table from a log by columns and by the rules in Python, at a smaller size."""
    harness.progress(f"{RECORDED:,} predictions in a log")
    record(folder, RECORDED)
    sides = {"ours": ("join", str(folder)), "rules": ("rows", str(folder))}
    return _compared(f"{RECORDED // 1000}k predictions in a log", sides, "rules")


def judged(folder: Path, millions: int) -> list[Row]:
    """Judge so many predictions by ROC-AUC with an interval over days."""
    harness.progress(f"a figure of {millions}M predictions")
    fill(folder, millions * MILLION)
    found = [harness.measured(CASE, ("judge", str(folder)), LIMIT_S) for _ in range(3 if millions == 1 else 1)]
    if None in found or any(one["rows"] != millions * MILLION for one in found if one):
        raise SystemExit(f"Not every one of {millions}M predictions was judged within {LIMIT_S} s.")
    case = f"ROC-AUC of {millions}M predictions"
    return [
        harness.alone(case, metric, unit, [one[name] for one in found if one])
        for metric, unit, name in (("time", "s", "s"), ("peak memory", "MB", "mb"))
    ]


def _compared(case: str, sides: dict[str, tuple[str, str]], peer: str) -> list[Row]:
    found = harness.interleaved(CASE, sides, limit_s=LIMIT_S)
    ours, theirs = found["ours"], found[peer]
    if ours is None:
        raise SystemExit(f"{case} took longer than {LIMIT_S} s.")
    if theirs and ours[0]["rows"] != theirs[0]["rows"]:
        raise SystemExit(f"{case}: {ours[0]['rows']} rows here and {theirs[0]['rows']} there.")
    rows = []
    for metric, unit, name in (("time", "s", "s"), ("peak memory", "MB", "mb")):
        other = None if theirs is None else [one[name] for one in theirs]
        rows.append(harness.compare(case, metric, unit, [one[name] for one in ours], (peer, other)))
    return rows


def main() -> None:
    """Measure, print and write the result."""
    load = harness.quiet_load()
    rows = []
    with TemporaryDirectory(prefix="label-join-") as folder:
        for number, measure in enumerate((joined, row_by_row)):
            (Path(folder) / str(number)).mkdir()
            rows += measure(Path(folder) / str(number))
        for millions in (1, 10) if os.environ.get("FULL") else (1, 4):
            (Path(folder) / f"judged{millions}").mkdir()
            rows += judged(Path(folder) / f"judged{millions}", millions)
    harness.finish("label-join", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
