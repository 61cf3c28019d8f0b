"""One side of the benchmark `point-in-time` in a process of its own: from parquet files to an Arrow table."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa

from feature_repo.definitions import VIEWS
from handrail.errors import InvalidInput

ASKED = {"weather": 5, "origin_ops": 5, "carrier_ops": 5, "dest_ops": 4, "tail_last": 2, "plane": 3}
"""How many features of each view: 24 in all."""

Retrieve = Callable[[], pa.Table]


def columns(view: str) -> tuple[str, ...]:
    """Return the features that the benchmark takes from a view."""
    return tuple(VIEWS[view][2][: ASKED[view]])


def feast(kind: str, data: Path, entities: Path) -> Retrieve:
    """Retrieve through Feast with that offline store."""
    from feast import FeatureStore, RepoConfig

    from feature_repo.definitions import build

    home = Path(tempfile.mkdtemp(prefix="handrail-bench-"))
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(home / "registry.db"),
            offline_store={"type": kind},
            online_store={"type": "sqlite", "path": str(home / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    store.apply(build(str(data)))
    refs = [f"{view}:{feature}" for view in VIEWS for feature in columns(view)]

    def retrieve() -> pa.Table:
        asked = pl.read_parquet(entities).to_pandas()
        return store.get_historical_features(asked, refs).to_arrow()

    return retrieve


def raw_polars(data: Path, entities: Path) -> Retrieve:
    """Join with Polars' own join_asof, as one would write it by hand."""

    def retrieve() -> pa.Table:
        rows = pl.read_parquet(entities).sort("event_timestamp")
        for view, (key, ttl, _) in VIEWS.items():
            table = pl.read_parquet(data / f"{view}.parquet", columns=[key, "event_timestamp", *columns(view)])
            rows = rows.join_asof(
                table.sort("event_timestamp"), on="event_timestamp", by=key, tolerance=ttl, check_sortedness=False
            )
        return rows.sort("row").to_arrow()

    return retrieve


def raw_duckdb(data: Path, entities: Path) -> Retrieve:
    """Join with DuckDB's ASOF join, as one would write it by hand."""
    import duckdb

    def retrieve() -> pa.Table:
        sql = f"select * from read_parquet('{entities}')"
        for view, (key, ttl, _) in VIEWS.items():
            fresh = f"r.event_timestamp >= l.event_timestamp - interval {int(ttl.total_seconds())} seconds"
            values = ", ".join(f"case when {fresh} then r.{name} end as {name}" for name in columns(view))
            sql = (
                f"select l.*, {values} from ({sql}) l asof left join read_parquet('{data / view}.parquet') r "
                f"on l.{key} = r.{key} and l.event_timestamp >= r.event_timestamp"
            )
        with duckdb.connect() as connection:
            return connection.sql(f"{sql} order by row").to_arrow_table()

    return retrieve


def prepared(side: str, data: Path, entities: Path) -> Retrieve:
    """Return what one side does, everything imported and opened."""
    if side == "polars":
        return raw_polars(data, entities)
    if side == "duckdb":
        return raw_duckdb(data, entities)
    stores = {
        "handrail": "handrail.feast.HandrailOfflineStore",
        "feast-duckdb": "duckdb",
        "feast-dask": "dask",
    }
    if side not in stores:
        raise InvalidInput("side", f"{side!r} is not known", f"Choose one of polars, duckdb, {', '.join(stores)}.")
    return feast(stores[side], data, entities)


def digest(table: pa.Table) -> int:
    """Return a number that is equal for equal values in any order of rows."""
    names = ["row", *(name for view in VIEWS for name in columns(view))]
    frame = pl.DataFrame(pl.from_arrow(table.select(names)))
    numbers = frame.with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("row").cast(pl.Int64))
    return int(numbers.hash_rows(seed=1).cast(pl.UInt64).sum() or 0)


def resident_mb(field: str) -> float:
    """Return a memory figure of this process from the kernel, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    """Measure one retrieval and print it as JSON: arguments are side, folder of tables, file of entity rows."""
    side, data, entities = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    retrieve = prepared(side, data, entities)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew here
    before = resident_mb("VmRSS")
    cpu, wall = time.process_time(), time.perf_counter()
    table = retrieve()
    measured = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    peak = resident_mb("VmHWM")
    result = {
        "rows": table.num_rows,
        "peak_mb": peak,
        "growth_mb": peak - before,
        "output_mb": table.nbytes / 2**20,
        "digest": digest(table),
    }
    sys.stdout.write(json.dumps(measured | result) + "\n")


if __name__ == "__main__":
    main()
