"""`make demo-sources`: the flights from a database, a paged API, a web page and a broker, with faults on the way.

Ends with the same digests in data/raw as from the files of the publisher, or says which file differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import yaml
from rich.console import Console

from flows.steps.data.acquire import known_at
from flows.steps.data.demo_sources.replayed import Replayed, replay
from flows.steps.data.raw_files import read_manifest, write_raw
from flows.steps.data.source_tables import COLUMNS
from flows.steps.data.sources.acquired import ORDER, AcquiredFiles
from flows.steps.data.sources.package import open_package
from handrail.bootstrap.acquisition import open_acquiring
from handrail.bootstrap.acquisition_files import write_acquired
from handrail.errors import HandrailError
from handrail.settings import load_settings

AS_OF = datetime(2013, 8, 1, 4, tzinfo=UTC)
TO = Path("data") / "acquired"
SHORT = datetime(2013, 1, 8, 5, tzinfo=UTC)
say = partial(Console(soft_wrap=True).print, markup=False, highlight=False)
TYPES: Mapping[type[pl.DataType], str] = {pl.Int64: "whole", pl.Float64: "number", pl.String: "text"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Acquire every table twice, with what came late in between, and compare; 1 if anything differs."""
    wanted = argparse.ArgumentParser(prog="python -m flows.steps.data.demo_sources")
    wanted.add_argument("--short", action="store_true", help="a week instead of seven months")
    as_of = SHORT if wanted.parse_args(arguments).short else AS_OF
    package = open_package()
    tables = known_at({table: package.read(table) for table in COLUMNS}, as_of)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handrail-sources-")))
        replayed = stack.enter_context(replay(tables, folder))
        write_raw(tables, folder / "published")
        acquired = acquire_all(folder, replayed)
        write_raw(acquired, folder / "acquired")
        return compare(read_manifest(folder / "published"), read_manifest(folder / "acquired"))


def acquire_all(folder: Path, replayed: Replayed) -> dict[str, pl.DataFrame]:
    """Write config/sources.yaml, acquire each table until nothing more comes, and return the tables."""
    project = folder / "project"
    (project / "config").mkdir(parents=True)
    (project / "config" / "handrail.yaml").write_text("repository: sources\nmodel_name: flights\n", encoding="utf-8")
    sources = {"version": 1, "tables": {table: described(table, replayed) for table in COLUMNS}}
    (project / "config" / "sources.yaml").write_text(yaml.safe_dump(sources, sort_keys=False), encoding="utf-8")
    settings = load_settings(project)
    for table in COLUMNS:
        for turn in ("at first", "what came late"):
            with open_acquiring(settings, table) as acquiring:
                taken = acquiring.run().taken
                write_acquired(settings, acquiring, project / TO / f"{table}.parquet")
                where = acquiring.source.name
            say(
                f"{table:9} {turn:15} {taken.new:8,} new, {taken.repeated:7,} there already, "
                f"{taken.aside} set aside  {where}"
            )
            replayed.add_late(table)
    return {table: AcquiredFiles(project / TO).read(table) for table in COLUMNS}


def described(table: str, replayed: Replayed) -> dict[str, object]:
    """Return what config/sources.yaml says about a table: its own columns, and the number of each row."""
    columns = {ORDER: "whole"} | {name: TYPES[kind] for name, kind in COLUMNS[table].items()}
    if "time_hour" in columns:
        columns["time_hour"] = "moment"
    return {"key": [ORDER], "columns": columns, **replayed.sources[table]}


def compare(published: Mapping[str, Mapping[str, object]], acquired: Mapping[str, Mapping[str, object]]) -> int:
    """Say whether both manifests name the same bytes; return 1 if not."""
    different = [name for name in sorted({*published, *acquired}) if published.get(name) != acquired.get(name)]
    for name in different:
        say(f"data/raw/{name}: {published.get(name)} from files, {acquired.get(name)} acquired")
    if not different:
        say(f"data/raw: {len(published)} files, every digest is equal to the publisher's")
    return 1 if different else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HandrailError as err:
        sys.exit(f"error: {err}")
