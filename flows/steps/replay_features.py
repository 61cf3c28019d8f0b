"""Feature values in the replay: what became known is written online, whole months are read point-in-time offline."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.features import entity_rows
from handrail.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore

BEFORE_EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)


class FeastOnline:
    """The online store of this installation, filled from the full-year feature tables."""

    def __init__(self, settings: Settings, features: Path) -> None:
        """Open it over the feature tables in `features`; the bento reads the same online database."""
        from feature_repo.store import apply, open_feature_store

        self._database = settings.home / "feast" / "online.db"
        self._store = open_feature_store(settings, features)
        apply(self._store)

    def write_known(self, since: datetime | None, until: datetime) -> None:
        """Write the rows that became known in (since, until], oldest first; of each key the last one."""
        from feature_repo.store import write_known

        write_known(self._store, since or BEFORE_EVERYTHING, until)

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
        from feature_repo.store import online

        return online(self._store, [online_row(flight) for flight in flights], at)


def online_row(flight: dict[str, Any]) -> dict[str, Any]:
    """Return the entity keys and request fields of one request to the bento."""
    keys = {name: flight[name] for name in ("origin", "carrier", "dest", "tailnum", "distance")}
    moments = {
        f"{name}_s": int(datetime.fromisoformat(flight[name]).timestamp()) for name in ("sched_dep", "sched_arr")
    }
    return keys | moments


def open_full_year(settings: Settings, features: Path) -> FeatureStore:
    """Open a store over the full-year tables with a registry of its own, so that nobody else's is changed."""
    from feature_repo.store import apply, open_feature_store

    store = open_feature_store(settings, features, settings.home / "replay" / "feast")
    apply(store)
    return store


def point_in_time(store: FeatureStore, flights: pl.DataFrame, service: str) -> pl.DataFrame:
    """Return `flights` with the features of `service` as they were known at each row's `event_timestamp`."""
    from feature_repo.store import historical

    asked = entity_rows(flights)
    answer = pl.from_pandas(historical(store, asked.to_pandas(), service))
    found = [name for name in answer.columns if name not in asked.columns]
    return pl.concat([flights, answer.select(found)], how="horizontal")
