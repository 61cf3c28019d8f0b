"""Labelled rows on which trees of `tests.fakes.permitted_tree` can be measured, and trees that are better or worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tests.fakes.permitted_tree import write_tree

GOOD, WEAK = (0.0, 0.001), (0.05, 0.0004)
"""Weights of the temperature, which says nothing here, and of the miles, which say much."""


def labelled_rows(count: int = 600, seed: int = 0, **changed: Any) -> pl.DataFrame:
    """Return rows of a month whose chance to be late grows with the miles; `changed` replaces columns."""
    source = np.random.default_rng(seed)
    miles = source.uniform(0, 3000, count)
    columns: dict[str, Any] = {
        "flight_id": [f"flight-{number}" for number in range(count)],
        "day": [f"2013-07-{1 + number % 31:02}" for number in range(count)],
        "carrier": ["AA"] * count,
        "minute_of_day": [600.0] * count,
        "temp": source.uniform(30, 90, count),
        "distance_miles": miles,
        "late": (source.uniform(size=count) < miles / 3000).astype(int),
    }
    return pl.DataFrame(columns | changed)


def write_rows(file: Path, rows: pl.DataFrame | None = None) -> Path:
    """Write rows as a Parquet file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    (labelled_rows() if rows is None else rows).write_parquet(file)
    return file


def files_of(folder: Path, weights: tuple[float, float] = GOOD, **more: Any) -> dict[str, bytes]:
    """Return the files of a tree, by path, as they are uploaded."""
    tree = write_tree(folder, weights=weights, **more)
    return {file.relative_to(tree).as_posix(): file.read_bytes() for file in sorted(tree.rglob("*")) if file.is_file()}
