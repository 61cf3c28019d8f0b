"""Rows of any other online store, through Feast's own interface, on a thread that is left behind if it hangs."""

from __future__ import annotations

import logging
import weakref
from datetime import UTC
from multiprocessing.pool import ThreadPool
from typing import Any

from handrail.entrypoints.feast.online.plan import Key, Stored
from handrail.entrypoints.feast.online.rows import Row, Rows, Wanted, row_of, seconds
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.errors import Unavailable

REMEDY = "Start it; until then the features count as unknown."


class AnyRows:
    """Reads views one after another, as `OnlineStore.online_read` gives them."""

    def __init__(self, store: Any, engine: Any, within_s: float) -> None:
        """Read through `engine`, the online store of `store`, all views within so many seconds."""
        self._config, self._engine, self._within_s = store.config, engine, within_s
        # One daemon thread: a reading that hangs makes the next ones late, and keeps no process from ending.
        self._thread = ThreadPool(1)
        weakref.finalize(self, self._thread.terminate)

    def read(self, wanted: Wanted) -> Rows:
        """Return the newest rows."""
        reading = self._thread.apply_async(self._views, (wanted,))
        # Each store's client has errors of its own.
        with never_fail("Feast's online store", logging.DEBUG) as attempt:
            reading.wait(self._within_s)
            if reading.ready():
                return reading.get()
        if attempt.done:
            raise TimeoutError(f"the online feature store did not answer within {self._within_s:g} s")
        raise Unavailable("The online feature store", attempt.sentence, REMEDY)

    def _views(self, wanted: Wanted) -> Rows:
        return {stored.name: self._view(stored, list(set(keys))) for stored, keys in wanted}

    def _view(self, stored: Stored, keys: list[Key]) -> dict[Key, Row | None]:
        encoded = [stored.entity_key(key) for key in keys]
        read = self._engine.online_read(self._config, stored.view, encoded, list(stored.features))
        rows: dict[Key, Row | None] = {}
        for key, (moment, values) in zip(keys, read, strict=True):
            if moment is None or values is None:
                rows[key] = None
                continue
            known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            rows[key] = row_of(stored, seconds(known), values)
        return rows
