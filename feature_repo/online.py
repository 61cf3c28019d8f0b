"""Writing what became known into the online store, and reading it at request time.

Feast applies no time to live online and lets an older row overwrite a newer one; both are closed here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.readings import Reading

if TYPE_CHECKING:
    import polars as pl

    from feature_repo.project_store import ProjectStore

WITHIN_S = 0.2
NOTHING_WRITTEN = 0.0
KEYS_AT_ONCE = 500


def write_known(store: ProjectStore, since: datetime | None, until: datetime) -> dict[str, int]:
    """Write the feature rows with `since` < event time <= `until`, of each key the newest; count them by view.

    `since` None means from the beginning. A row that is not newer than the one already there is left out, so
    calling this again, or with overlapping spans, changes nothing. Call it with growing `until`.
    """
    from feature_repo.definitions import VIEWS

    return {view: _write_view(store, view, VIEWS[view][0], (since, until)) for view in VIEWS}


def online(
    store: ProjectStore, rows: Sequence[Mapping[str, Any]], at: datetime, service: str | None = None
) -> dict[str, list[Any]]:
    """Read the features of `service` (the default one if None) for each row; None where unknown or stale.

    They are lists in the order of `rows`. A row has what a request has; an entity may be missing or None. A value
    counts only if it was known at the event time `at` and no longer before it than its view's time to live.

    Raises:
        InvalidInput: a row lacks a field, or a moment has no time zone.
    """
    return {name: list(values) for name, values in read(store, rows, at, service).columns.items()}


def read(store: ProjectStore, rows: Sequence[Mapping[str, Any]], at: datetime, service: str | None = None) -> Reading:
    """Read what `online` does, with what each row lacked, and why; a store that is away or late costs features only.

    Raises:
        InvalidInput: a row lacks a field, or a moment has no time zone.
    """
    from feature_repo.definitions import DEFAULT_SERVICE

    name = service or DEFAULT_SERVICE
    if name not in store.readers:
        store.readers[name] = reader(store, name)
    found: Reading = store.readers[name](rows, at)
    return found


def reader(
    store: ProjectStore, service: str, within_s: float = WITHIN_S
) -> Callable[[Sequence[Mapping[str, Any]], datetime], Reading]:
    """Return what reads a service for rows at a moment; the store has `within_s` seconds for each reading."""
    from feature_repo.definitions import ENTITIES, request_fields
    from handrail.feast import open_online_reader

    planned = open_online_reader(store, service, within_s)

    def read_rows(rows: Sequence[Mapping[str, Any]], at: datetime) -> Reading:
        if not rows:
            return Reading({})
        asked = {key: [row.get(key) or "" for row in rows] for key in ENTITIES} | request_fields(rows)
        return planned.read(asked, at) if planned else Reading(through_feast(store, asked, at, service))

    return read_rows


def through_feast(
    store: ProjectStore, asked: Mapping[str, Sequence[Any]], at: datetime, service: str
) -> dict[str, list[Any]]:
    """Read features by `get_online_features`, which applies no time to live, for join keys and request fields."""
    answer = store.get_online_features(features=store.service(service), entity_rows=dict(asked)).proto
    values: dict[str, list[Any]] = {}
    lifetimes = _lifetimes()
    for name, vector in zip(answer.metadata.feature_names.val, answer.results, strict=True):
        if name in asked:
            continue
        plain = [_plain(value) for value in vector.values]
        known = [moment.seconds + moment.nanos / 1e9 for moment in vector.event_timestamps]
        values[name] = _fresh(plain, known, at.timestamp(), lifetimes[name]) if name in lifetimes else plain
    return values


def forget(store: ProjectStore) -> None:
    """Remove every online row: an event time before the newest of them would see the future."""
    if store.config.online_store.type != "sqlite":
        views = store.list_feature_views()
        store._get_provider().online_store.teardown(store.config, views, store.list_entities())
        return
    database = Path(store.config.online_store.path)
    if not database.is_file():
        return
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            connection.execute(f'delete from "{table}"')  # names come from the database itself


def _write_view(store: ProjectStore, view: str, key: str, span: tuple[datetime | None, datetime]) -> int:
    import polars as pl

    rows = _newest_rows(store.features_root / f"{view}.parquet", key, span)
    if rows.is_empty():
        return 0
    stored = _stored_moments(store, view, key, rows.get_column(key).to_list())
    newer = rows.filter(pl.col("event_timestamp").dt.epoch("us") > pl.Series(stored))
    if newer.is_empty():
        return 0
    store.write_to_online_store(view, df=newer.to_pandas())
    return newer.height


def _newest_rows(table: Path, key: str, span: tuple[datetime | None, datetime]) -> pl.DataFrame:
    import polars as pl

    since, until = span
    known = pl.col("event_timestamp") <= until
    if since is not None:
        known &= pl.col("event_timestamp") > since
    rows = _sorted_table(table, table.stat().st_mtime_ns).filter(known)
    return rows.unique(key, keep="last", maintain_order=True)


@lru_cache(maxsize=8)
def _sorted_table(table: Path, _written_at: int) -> pl.DataFrame:
    """Return a feature table, oldest row first; it is read once, and again when its file was written anew."""
    import polars as pl

    return pl.read_parquet(table).sort("event_timestamp")


def _stored_moments(store: ProjectStore, view: str, key: str, values: Sequence[str]) -> list[int]:
    """Return the event time of the online row of each key in microseconds since 1970, 0 where there is none."""
    from feature_repo.definitions import VIEWS

    moments: list[int] = []
    reference = [f"{view}:{VIEWS[view][2][0]}"]
    for start in range(0, len(values), KEYS_AT_ONCE):
        asked = {key: list(values[start : start + KEYS_AT_ONCE])}
        answer = store.get_online_features(features=reference, entity_rows=asked).proto
        position = list(answer.metadata.feature_names.val).index(reference[0].split(":")[1])
        moments += [moment.ToMicroseconds() for moment in answer.results[position].event_timestamps]
    return moments


def _lifetimes() -> dict[str, float]:
    from feature_repo.definitions import VIEWS

    return {feature: ttl.total_seconds() for _, ttl, features in VIEWS.values() for feature in features}


def _fresh(values: list[Any], known: Sequence[float], now: float, lifetime: float) -> list[Any]:
    return [
        value if seen > NOTHING_WRITTEN and now - lifetime <= seen <= now else None
        for value, seen in zip(values, known, strict=True)
    ]


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("val")
    return None if kind is None else getattr(value, kind)
