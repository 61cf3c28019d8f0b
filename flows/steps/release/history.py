"""Features of rows after go-live as they were known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flows.steps.data.features import entity_rows
from handrail.settings import Settings

if TYPE_CHECKING:
    from feature_repo.project_store import ProjectStore


def open_history(settings: Settings, features: Path) -> ProjectStore:
    """Open a store over other feature tables with a separate registry, so that no other is changed."""
    from feature_repo.store import apply, open_feature_store

    store = open_feature_store(settings, features, settings.home / "live" / "feast")
    apply(store)
    return store


def point_in_time(store: ProjectStore, rows: pl.DataFrame, service: str) -> pl.DataFrame:
    """Return `rows` with the features of `service` as they were known at each row's event time.

    A feature takes the place of a column of the same name: a field of the request that is a feature as it is.
    """
    from feature_repo.store import historical

    asked = entity_rows(rows)
    answer = pl.from_pandas(historical(store, asked.to_pandas(), service))
    found = [name for name in answer.columns if name not in asked.columns]
    return pl.concat([rows.drop(found, strict=False), answer.select(found)], how="horizontal")
