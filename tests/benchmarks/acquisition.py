"""A table of PostgreSQL acquired, beside dlt alone into DuckDB and plain COPY; `make bench-acquisition` runs it.

Each side reads the same 100,000 rows of 10 columns from nothing. Then one more row is there: what does a run cost that
finds it? HANDRAIL_TEST_POSTGRES_URL names the database; a schema of its own is made there and dropped.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.benchmarks import harness

ROWS, REPEATS, LIMIT_S = int(os.environ.get("ROWS", "100000")), 3, 900
Side = Callable[[sa.Engine, str, Path], None]
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Measure in turn, print, and write the results."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    url = os.environ.get("HANDRAIL_TEST_POSTGRES_URL")
    if not url:
        sys.exit("error: HANDRAIL_TEST_POSTGRES_URL is not set. Give a SQLAlchemy URL of PostgreSQL.")
    engine, schema = sa.create_engine(url), f"bench_{secrets.token_hex(4)}"
    try:
        fill(engine, schema)
        measure(engine, schema)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(f"drop schema if exists {schema} cascade"))
        engine.dispose()


def fill(engine: sa.Engine, schema: str) -> None:
    """Make the table: five whole numbers, two numbers, two texts, a moment that grows."""
    with engine.begin() as connection:
        connection.execute(sa.text(f"create schema {schema}"))
        connection.execute(
            sa.text(
                f"create table {schema}.orders as select i as id, i % 7 as a, i % 11 as b, i % 13 as c, i % 17 as d, "
                "i / 3.0::float8 as x, i / 7.0::float8 as y, 'name ' || i as name, 'city ' || i % 100 as city, "
                f"timestamptz '2026-01-01' + i * interval '1 second' as at from generate_series(1, {ROWS}) i"
            )
        )
        connection.execute(sa.text(f"create index on {schema}.orders (at)"))


def measure(engine: sa.Engine, schema: str) -> None:
    """Run every side in turn, so that what the machine does besides meets all of them."""
    load = harness.quiet_load()
    first: dict[str, list[float]] = {"Handrail": [], "dlt alone": [], "COPY": []}
    again: dict[str, list[float]] = {"Handrail": [], "dlt alone": []}
    for turn in range(REPEATS):
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
            for side, run in SIDES.items():
                first[side].append(ROWS / seconds(run, engine, schema, Path(name)))
            with engine.begin() as connection:
                at = START + timedelta(seconds=ROWS + 100 + turn)
                sql = sa.text(f"insert into {schema}.orders (id, at) values (:id, :at)")
                connection.execute(sql, {"id": -1 - turn, "at": at})
            for side in again:
                again[side].append(1 / seconds(SIDES[side], engine, schema, Path(name)))
    whole, more = first["Handrail"], again["Handrail"]
    sides = ("dlt alone", "COPY")
    found = [harness.compare("everything", "speed", "rows/s", whole, (side, first[side])) for side in sides]
    found.append(harness.compare("one more row", "speed", "runs/s", more, ("dlt alone", again["dlt alone"])))
    harness.finish("acquisition", found, load, LIMIT_S)


def seconds(run: Side, engine: sa.Engine, schema: str, folder: Path) -> float:
    """Return how long a side takes."""
    begin = time.perf_counter()
    run(engine, schema, folder)
    return time.perf_counter() - begin


def ours(engine: sa.Engine, schema: str, folder: Path) -> None:
    """Acquire into SQLite, each version of each row with since when it is known."""
    from handrail.acquisition import Acquiring, Table
    from handrail.acquisition.adapters.dlt_database import DltDatabase
    from handrail.acquisition.adapters.sql_row_store import MIGRATIONS, SqlRowStore
    from handrail.acquisition.adapters.sql_versions import SqlVersions
    from handrail.acquisition.adapters.yaml_sources import Database
    from handrail.storage import migrate, open_store

    url = engine.url.render_as_string(hide_password=False)
    store = open_store(f"sqlite:///{folder / 'acquired.db'}")
    migrate(store, "acquisition", MIGRATIONS)
    source = DltDatabase(Database(url=url, table=f"{schema}.orders", cursor="at"), url)
    table, clock = Table("orders", (), ("id",)), lambda: datetime.now(UTC)
    acquired = Acquiring(table, source, SqlRowStore(store), SqlVersions(store), clock).run()
    store.close()
    assert acquired.manifest.rows >= ROWS


def dlt_alone(engine: sa.Engine, schema: str, folder: Path) -> None:
    """Load by dlt's own pipeline with a cursor, merged by key into DuckDB."""
    import dlt
    from dlt.sources.sql_database import sql_table

    pipeline = dlt.pipeline(
        "orders",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "loaded.duckdb")),
        dataset_name="bench",
    )
    table = sql_table(
        credentials=engine,
        schema=schema,
        table="orders",
        chunk_size=10_000,
        incremental=dlt.sources.incremental("at"),
        primary_key="id",
        write_disposition="merge",
    )
    pipeline.run(table)


def plain_copy(engine: sa.Engine, schema: str, folder: Path) -> None:
    """Copy the table as text into a file."""
    raw = engine.raw_connection()
    try:
        sql = f"copy {schema}.orders to stdout"
        with (folder / "orders.csv").open("wb") as file, raw.cursor() as cursor, cursor.copy(sql) as copy:
            file.writelines(copy)
    finally:
        raw.close()


SIDES: dict[str, Side] = {"Handrail": ours, "dlt alone": dlt_alone, "COPY": plain_copy}

if __name__ == "__main__":
    main()
