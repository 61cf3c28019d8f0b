"""Feature values in the replay: what became known is written online, whole months are read point-in-time offline."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.data.features import entity_rows
from handrail.settings import Settings

if TYPE_CHECKING:
    from feature_repo.project_store import ProjectStore


class FeastOnline:
    """The online store of this installation, filled from the full-year feature tables."""

    def __init__(self, settings: Settings, features: Path) -> None:
        """Open it over the feature tables in `features`; the bento reads the same online database."""
        from feature_repo.store import apply, open_feature_store

        self._database = settings.home / "feast" / "online.db"
        self._store = open_feature_store(settings, features)
        if not self._store.list_feature_services():
            apply(self._store)

    def write_known(self, since: datetime | None, until: datetime) -> None:
        """Write the rows that became known in (since, until], oldest first; of each key the last one."""
        from feature_repo.online import write_known

        write_known(self._store, since, until)

    def forget(self) -> None:
        """Remove every online row: an event time before the newest of them would see the future."""
        if not self._database.is_file():
            return
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                connection.execute(f'delete from "{table}"')  # names come from the database itself

    def read(self, flights: Sequence[dict[str, Any]], at: datetime) -> dict[str, list[Any]]:
        """Return the features of those requests as an online reader sees them at `at`."""
        from feature_repo.online import online

        return online(self._store, [online_row(flight) for flight in flights], at)


def online_row(flight: dict[str, Any]) -> dict[str, Any]:
    """Return what the feature store is asked about one request to the bento."""
    keys = {name: flight[name] for name in ("origin", "carrier", "dest", "tailnum", "distance")}
    return keys | {name: datetime.fromisoformat(flight[name]) for name in ("sched_dep", "sched_arr")}


def open_full_year(settings: Settings, features: Path) -> ProjectStore:
    """Open a store over the full-year tables with a separate registry, so that no other is changed."""
    from feature_repo.store import apply, open_feature_store

    store = open_feature_store(settings, features, settings.home / "replay" / "feast")
    apply(store)
    return store


def point_in_time(store: ProjectStore, flights: pl.DataFrame, service: str) -> pl.DataFrame:
    """Return `flights` with the features of `service` as they were known at each row's `event_timestamp`."""
    from feature_repo.store import historical

    asked = entity_rows(flights)
    answer = pl.from_pandas(historical(store, asked.to_pandas(), service))
    found = [name for name in answer.columns if name not in asked.columns]
    return pl.concat([flights, answer.select(found)], how="horizontal")
