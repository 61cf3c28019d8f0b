"""What is reported about a subject beside its outcome, such as ratings and what it cost: the table holds none of it.

A project whose data has them yields them here, and declares their kinds in config/feedback.yaml; the replay sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

SCHEMA: dict[str, Any] = {
    "kind": pl.String,
    "source": pl.String,
    "item": pl.String,
    "subject": pl.String,
    "value": pl.Float64,
    "mistaken": pl.Float64,
    "known_at": pl.Datetime("us", "UTC"),
}
"""A row is one thing that becomes known of a subject at `known_at`; a wrong first report of it says `mistaken`."""

Share = Callable[[str, str], float]
"""Of a subject and a purpose: a number in [0, 1) that depends on these two texts alone."""


def reactions_of(rows: pl.DataFrame, share: Share) -> pl.DataFrame:  # noqa: ARG001 - for a project that has some
    """Return what is reported about those rows of `Live` beside their outcome, in the columns of `SCHEMA`."""
    return pl.DataFrame(schema=SCHEMA)
