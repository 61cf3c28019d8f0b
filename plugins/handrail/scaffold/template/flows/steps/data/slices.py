"""The parts of the subjects that are judged one by one: `slices` of config/use_case.yaml."""

from __future__ import annotations

import numpy as np
import polars as pl

from flows.steps.data.table import USE_CASE

FEW = 30
"""A number with at most so many values is a slice for each of them; one with more is cut into quarters."""


def slice_values(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return of each slice the group of each row, (n,) text each."""
    return {name: _groups(rows.get_column(name)).fill_null("unknown").to_numpy() for name in USE_CASE.slices}


def _groups(values: pl.Series) -> pl.Series:
    if not values.dtype.is_numeric() or values.drop_nulls().n_unique() <= FEW:
        return values.cast(pl.String).str.strip_suffix(".0")
    edges = [float(f"{values.quantile(share):.4g}") for share in (0.25, 0.5, 0.75)]
    names = [*(f"up to {edge:g}" for edge in edges), f"above {edges[-1]:g}"]
    quarter = pl.Series(edges).search_sorted(values, side="left")
    return pl.Series([None if value is None else names[place] for value, place in zip(values, quarter, strict=True)])
