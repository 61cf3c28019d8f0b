"""Reads a service's features for requests: fresh ones as they are, and of all others which are lacking, and why."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from handrail.entrypoints.feast.online.any_rows import AnyRows
from handrail.entrypoints.feast.online.plan import Key, Plan, Stored, plan_of
from handrail.entrypoints.feast.online.rows import Row, Rows, RowSource
from handrail.errors import Unavailable
from handrail.readings import Lack, Reading, Why

WITHIN_S = 0.2
AGAIN_AFTER_S = 1.0
"""How long a store that was away or late is not asked again: else each request would wait for it."""

Asked = Mapping[str, Sequence[Any]]
"""Join keys and fields of requests, a list of n values each."""


_log = logging.getLogger("handrail.feast")


class OnlineReader:
    """Reads features for requests. A store that cannot be read costs features, never the answer."""

    def __init__(
        self,
        plan: Plan,
        source: RowSource,
        count: Callable[[int, float], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read by a plan; `count` gets how many rows were read, and when the newest of their values was known."""
        self.plan = plan
        self._source, self._count, self._now = source, count, now
        self._again_at, self._trouble = 0.0, Why.AWAY

    def read(self, asked: Asked, at: datetime) -> Reading:
        """Return the features of each row as known at `at`; None where nothing fresh is known.

        A value counts if it was known at `at`, and no longer before it than its view's limit. What the view expects
        and has not got is in `lacks`; what it need not have (a thing seen for the first time) is not.
        """
        columns: dict[str, Sequence[Any]] = {}
        lacks: dict[int, list[Lack]] = defaultdict(list)
        keys = {stored.name: _keys(stored, asked) for stored in self.plan.stored}
        rows = self._rows(keys) if keys else {}
        newest, moment = 0.0, at.timestamp()
        for stored in self.plan.stored:
            wanted = keys[stored.name]
            if rows is None:
                found = self._without(stored, len(wanted), lacks)
            else:
                held = rows[stored.name]
                of_keys = [held[key] for key in wanted]
                newest = max(newest, *(row.known for row in of_keys if row is not None), 0.0)
                found = [
                    _counting(stored, row, key, moment, lacks, place)
                    for place, (row, key) in enumerate(zip(of_keys, wanted, strict=True))
                ]
            by_feature = zip(*found, strict=True) if found else [()] * len(stored.features)
            columns |= zip(stored.features, map(list, by_feature), strict=True)
        for computed in self.plan.computed:
            columns |= computed.columns(asked)
        if self._count is not None:
            self._count(len(next(iter(asked.values()), ())), newest)
        return Reading(columns, {place: tuple(of) for place, of in lacks.items()})

    def _rows(self, keys: Mapping[str, Sequence[Key]]) -> Rows | None:
        """Return the rows; None while the store is away or late, which is found out again from time to time."""
        if self._now() < self._again_at:
            return None
        try:
            return self._source.read([(stored, keys[stored.name]) for stored in self.plan.stored])
        except TimeoutError as err:
            trouble, said = Why.LATE, str(err)
        except Unavailable as err:
            trouble, said = Why.AWAY, str(err)
        if self._again_at == 0 or trouble != self._trouble:
            _log.warning("Predictions are made without features of the store: %s", said)
        self._trouble, self._again_at = trouble, self._now() + AGAIN_AFTER_S
        return None

    def _without(self, stored: Stored, n: int, lacks: dict[int, list[Lack]]) -> list[Sequence[Any]]:
        """Return what takes the place of rows that could not be read."""
        lack = _lack(stored, self._trouble)
        for place in range(n):
            lacks[place].append(lack)
        return [_defaults(stored)] * n


def open_online_reader(store: Any, service: str, within_s: float = WITHIN_S) -> OnlineReader | None:
    """Plan how to read a registered service of a Feast store; None if only Feast's own path can read it.

    Args:
        store: a `feast.FeatureStore`.
        service: the name of a feature service.
        within_s: how long the store may take to answer a request.
    """
    known = store.get_feature_service(service)
    plan = plan_of(store, known)
    if plan is None:
        return None
    provider = store._get_provider()
    counted = getattr(provider, "count_online_read", None)
    source = _source(store, provider.online_store, within_s)
    return (
        OnlineReader(plan, source, partial(counted, known, store.registry)) if counted else OnlineReader(plan, source)
    )


def _source(store: Any, engine: Any, within_s: float) -> RowSource:
    kind = type(engine).__name__
    if kind == "SqliteOnlineStore":
        from handrail.entrypoints.feast.online.sqlite_rows import SqliteRows

        return SqliteRows(store, Path(engine._get_db_path(store.config)), within_s)
    if kind == "RedisOnlineStore" and store.config.online_store.redis_type == "redis":
        from handrail.entrypoints.feast.online.redis_rows import RedisRows

        return RedisRows(store, within_s)
    return AnyRows(store, engine, within_s)


def _keys(stored: Stored, asked: Asked) -> list[Key]:
    return list(zip(*(asked[name] for name in stored.keys), strict=True))


def _counting(  # noqa: PLR0913 - one cell of a loop over views and rows
    stored: Stored, row: Row | None, key: Key, moment: float, lacks: dict[int, list[Lack]], place: int
) -> Sequence[Any]:
    """Return the values of one row that count, and note what is lacking."""
    why = _why(stored, row, moment)
    if why is None and row is not None:
        if not row.wrong:
            return row.values
        lacks[place].append(_lack(stored, Why.WRONG_TYPE, row.wrong))
        values = zip(stored.features, row.values, strict=True)
        return [stored.defaults.get(name) if name in row.wrong else value for name, value in values]
    if why is None or not stored.expected or not all(key):
        return (None,) * len(stored.features)
    lacks[place].append(_lack(stored, why))
    return _defaults(stored)


def _why(stored: Stored, row: Row | None, moment: float) -> Why | None:
    """Return why a row does not count, None if it does."""
    if row is None or row.known <= 0 or row.known > moment:
        return Why.MISSING
    return Why.STALE if stored.fresh_s is not None and moment - row.known > stored.fresh_s else None


def _defaults(stored: Stored) -> list[Any]:
    return [stored.defaults.get(name) for name in stored.features]


def _lack(stored: Stored, why: Why, features: tuple[str, ...] | None = None) -> Lack:
    of = features or stored.features
    return Lack(stored.name, why, of, tuple(name for name in of if name in stored.defaults))
