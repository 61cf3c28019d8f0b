"""`make bench-point-in-time`: the Handrail offline store beside Feast's own and beside raw ASOF joins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.feature_tables import build_tables
from flows.steps.data.flight_times import with_times
from flows.steps.data.source_tables import COLUMNS
from flows.steps.data.sources.package import open_package
from handrail.clock import parse_moment
from tests.benchmarks import harness
from tests.benchmarks.harness import Row

CASE = "tests.benchmarks.point_in_time_case"
SIZES = (10_000, 100_000, 336_776)
FULL_SIZE = 3_000_000
DASK_ROWS = 300
LIMIT_S = 120
DATA = harness.RESULTS / "point-in-time"


def make_data() -> dict[int, Path]:
    """Write the feature tables of the whole year and entity frames of each size; return the frames by size."""
    tables = {name: open_package().read(name) for name in COLUMNS}
    sources = {name: tables[name] for name in ("flights", "weather", "planes", "airports")}
    DATA.mkdir(parents=True, exist_ok=True)
    for name, table in build_tables(**sources, until=parse_moment("2014-01-03")).items():
        table.write_parquet(DATA / f"{name}.parquet")
    flights = with_times(tables["flights"], tables["airports"]).select(
        "event_timestamp", "origin", "carrier", "dest", "tailnum"
    )
    sizes = (DASK_ROWS, *SIZES, *([FULL_SIZE] if os.environ.get("FULL") else []))
    return {size: _entities(flights, size) for size in sizes}


def _entities(flights: pl.DataFrame, size: int) -> Path:
    path = DATA / f"entities-{size}.parquet"
    rows = flights.sample(size, seed=7, with_replacement=size > flights.height, shuffle=True)
    rows.with_row_index("row").write_parquet(path)
    return path


def rows_of(size: int, results: dict[str, list[dict[str, Any]] | None]) -> list[Row]:
    """Compare ours with every peer at one size; stop if a value differs or a row is missing."""
    ours = results["handrail"] or []
    case = f"{size:,} rows"
    rows = []
    for peer, theirs in results.items():
        if peer == "handrail":
            continue
        if theirs:
            require_equal(case, peer, ours[0], theirs[0])
        for metric, unit in (("cpu_s", "CPU s"), ("growth_mb", "MB"), ("peak_mb", "MB")):
            other = [one[metric] for one in theirs] if theirs else None
            rows.append(harness.compare(case, metric, unit, [one[metric] for one in ours], (peer, other)))
        speeds = [one["rows"] / one["wall_s"] for one in theirs] if theirs else None
        rows.append(harness.compare(case, "speed", "rows/s", [o["rows"] / o["wall_s"] for o in ours], (peer, speeds)))
    growth = [one["growth_mb"] for one in ours]
    rows.append(harness.compare(case, "memory", "MB", growth, ("its output", [one["output_mb"] for one in ours])))
    return rows


def require_equal(case: str, peer: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Stop the benchmark unless both sides gave the same values for every row."""
    if (ours["rows"], ours["digest"]) != (theirs["rows"], theirs["digest"]):
        raise SystemExit(f"{case}: handrail and {peer} differ: {ours} and {theirs}.")


def lost_by_dask(entities: Path) -> Row:
    """Count the rows that Feast's default store loses of 300."""
    ours = harness.measured(CASE, ["handrail", str(DATA), str(entities)], LIMIT_S)
    theirs = harness.measured(CASE, ["feast-dask", str(DATA), str(entities)], LIMIT_S)
    lost = None if theirs is None else float(DASK_ROWS - theirs["rows"])
    mine = float(DASK_ROWS - ours["rows"]) if ours else None
    return Row(f"{DASK_ROWS} rows", "rows lost", "rows", mine, "feast-dask", lost, None, None, None)


def main() -> None:
    """Measure, print, and write the results."""
    frames = make_data()
    load = harness.quiet_load()
    rows = [lost_by_dask(frames[DASK_ROWS])]
    for size, entities in frames.items():
        if size == DASK_ROWS:
            continue
        peers = ["polars", "duckdb"] if size > SIZES[-1] else ["feast-duckdb", "polars", "duckdb"]
        sides = {side: [side, str(DATA), str(entities)] for side in ("handrail", *peers)}

        rows += rows_of(size, harness.interleaved(CASE, sides, limit_s=LIMIT_S))
    harness.finish("point-in-time", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
