"""Feast's online store behind a push source: the newest row of each entity, never replaced by an older one.

Feast pushes what it is given: its SQLite store lets an older row overwrite a newer one and keeps moments by the second,
its Redis store leaves out a correction of the same moment, and a push in which every feature is empty is dropped. What
is closed here needs moments to the microsecond, which watermarks keep.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from feast import FeatureStore, PushSource
from feast.errors import FeastError
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.type_map import python_values_to_proto_values

from handrail.acquisition.adapters.fitting import MISFITS, fitting, frame_of
from handrail.acquisition.adapters.parquet_parts import CAME_AT, KNOWN_AT
from handrail.acquisition.domain.pages import Arrived
from handrail.acquisition.domain.tables import Table
from handrail.acquisition.ports import OnlineTable, Watermarks
from handrail.errors import Misconfigured, Unavailable

NEVER = datetime.min.replace(tzinfo=UTC)


class FeastOnlineTable(OnlineTable):
    """Every feature view of a push source. One process alone may push to it at a time.

    A row with a value that a field of a view cannot hold, such as 3,000,000,000 in an Int32, is left out of that view:
    `say` gets a sentence about it, and what was answered before stays.
    """

    def __init__(
        self, repository: Path, source: str, watermarks: Watermarks, say: Callable[[str], None] = lambda _: None
    ) -> None:
        """Open the feature repository, a folder with feature_store.yaml.

        Raises:
            Misconfigured: it cannot be opened, or has no such push source.
        """
        self._source, self._watermarks, self._say = source, watermarks, say
        try:
            self._store = FeatureStore(repo_path=str(repository))
            self._views = _views_of(self._store, source)
        except (FeastError, OSError, ValueError) as err:
            problem = f"Feast cannot open the feature repository ({_said(err)})"
            raise Misconfigured(str(repository), problem, "Name the folder with feature_store.yaml.") from err
        if not self._views:
            remedy = "Write one whose feature views are applied: run `feast apply` first."
            raise Misconfigured(str(repository), f"no feature view has a push source {source!r}", remedy)
        for view in self._views:
            _check_moments(view)
        if hasattr(self._store.config.online_store, "skip_dedup"):
            # What is older is left out here; of rows of one moment, Feast would leave out the correction.
            self._store.config.online_store.skip_dedup = True
        names = {view.name for view in self._views}
        self._computed = [
            each.name
            for each in self._store.list_feature_services()
            if getattr(each, "precompute_online", False)
            and names & {projection.name for projection in each.feature_view_projections}
        ]

    def push(self, table: Table, rows: Sequence[Arrived]) -> int:
        """Write, of each entity of each view, the newest row, unless a newer one is stored."""
        for view in self._views:
            _check_columns(view, table)
        frame = frame_of(table, rows)
        written: set[int] = set()
        for view in self._views:
            written |= self._push(view, table, frame)
        with self._translated():
            for service in self._computed if written else ():
                self._store.precompute_feature_service(service)
        return len(written)

    def close(self) -> None:
        """Nothing is held: what Handrail's provider has to record, it records when the process ends."""

    def _push(self, view: Any, table: Table, frame: pd.DataFrame) -> set[int]:
        """Write what is newer; return the numbers of the rows in the frame."""
        keys = [_column(view, column.name) for column in view.entity_columns]
        with self._translated():
            fits = fitting(view, table, frame.dropna(subset=keys), self._say)
        given = fits.sort_values([KNOWN_AT, CAME_AT], kind="stable")
        newest = given.drop_duplicates(keys, keep="last").sort_index()
        place = f"{self._store.project}/{view.name}"
        things = [json.dumps(thing, default=str) for thing in zip(*(newest[key].tolist() for key in keys), strict=True)]
        moments = dict(zip(things, zip(newest[KNOWN_AT], newest[CAME_AT], strict=True), strict=True))
        noted = self._watermarks.noted(place, things)
        fresh = [moments[thing] >= noted.get(thing, moments[thing]) for thing in things]
        first = newest[[thing not in noted for thing in things]]
        # What others wrote online of things that were never pushed from here, such as a materialisation.
        with self._translated():
            older = set(first.index[[at < there for at, there in self._beside(view, first, keys)]])
        newer = newest[[is_fresh and at not in older for is_fresh, at in zip(fresh, newest.index, strict=True)]]
        if newer.empty:
            return set()
        written = set(newer.index)
        pushed = {thing: moments[thing] for thing, at in zip(things, newest.index, strict=True) if at in written}
        # Before the rows: what a crash leaves out comes again, and is not older than what was noted.
        self._watermarks.note(place, pushed)
        with self._translated():
            self._store._get_provider().ingest_df(view, newer)
        return written

    def _beside(self, view: Any, rows: pd.DataFrame, keys: Sequence[str]) -> Iterator[tuple[datetime, datetime]]:
        """Give since when each row is known, and the row that is stored of its thing."""
        if rows.empty:
            return iter(())
        return zip(rows[KNOWN_AT], self._stored(view, rows, keys), strict=True)

    def _stored(self, view: Any, rows: pd.DataFrame, keys: Sequence[str]) -> list[datetime]:
        """Return since when the stored row of each is known."""
        columns = [
            python_values_to_proto_values(rows[key].tolist(), column.dtype.to_value_type())
            for key, column in zip(keys, view.entity_columns, strict=True)
        ]
        names = [column.name for column in view.entity_columns]
        entities = [EntityKey(join_keys=names, entity_values=list(values)) for values in zip(*columns, strict=True)]
        feature = [view.features[0].name]
        found = self._store._get_provider().online_store.online_read(self._store.config, view, entities, feature)
        return [NEVER if known is None else _utc(known) for known, _ in found]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        place = f"The online store behind the push source {self._source}"
        try:
            yield
        except _away() as err:
            remedy = "Start it, or make its tables by feast apply."
            raise Unavailable(place, f"it does not answer ({_said(err)})", remedy) from err
        except MISFITS as err:
            remedy = "Give the fields of its views the types of the table's columns, and apply them."
            raise Misconfigured(place, f"it does not take the rows ({_said(err)})", remedy) from err


def _views_of(store: FeatureStore, source: str) -> list[Any]:
    every = {view.name: view for view in (*store.list_feature_views(), *store.list_stream_feature_views())}
    return [
        view
        for view in every.values()
        if isinstance(view.stream_source, PushSource) and view.stream_source.name == source
    ]


def _check_moments(view: Any) -> None:
    source = view.batch_source
    if (source.timestamp_field, source.created_timestamp_column) == (KNOWN_AT, CAME_AT):
        return
    problem = f"the batch source of the view {view.name} has its moments in {source.timestamp_field!r}"
    remedy = f'Write timestamp_field="{KNOWN_AT}", created_timestamp_column="{CAME_AT}", which every row has.'
    raise Misconfigured(f"The push source {view.stream_source.name}", problem, remedy)


def _check_columns(view: Any, table: Table) -> None:
    wanted = [_column(view, column.name) for column in (*view.entity_columns, *view.features)]
    missing = [name for name in wanted if name not in table.names]
    if missing:
        problem = f"the view {view.name} asks for {', '.join(missing)}, which the table {table.name} does not have"
        remedy = f"Its columns are {', '.join(table.names)}: name them in the view, or map them in its source."
        raise Misconfigured(f"The push source {view.stream_source.name}", problem, remedy)


def _column(view: Any, name: str) -> str:
    """Return what a column of a view is called in its source."""
    named = {new: old for old, new in (view.batch_source.field_mapping or {}).items()}
    return str(named.get(name, name))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _said(err: BaseException) -> str:
    return str(err).partition("\n")[0].rstrip(".") or type(err).__name__


def _away() -> tuple[type[Exception], ...]:
    """Return what stores raise that are not there, of the clients that are loaded."""
    redis, psycopg = sys.modules.get("redis"), sys.modules.get("psycopg")
    more = ([redis.RedisError] if redis else []) + ([psycopg.Error] if psycopg else [])
    return (sqlite3.Error, OSError, *more)
