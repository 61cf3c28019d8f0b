"""Rows of Feast's SQLite online store, read through a connection of their own, and kept until the file changes."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import feast.infra.online_stores.sqlite  # noqa: F401 - it registers how moments are written and read
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_table_id

from handrail.entrypoints.feast.online.plan import Key, Stored
from handrail.entrypoints.feast.online.rows import Row, Rows, Wanted, row_of, seconds
from handrail.errors import Unavailable

AT_ONCE = 500
MOST_KEPT = 100_000
REMEDY = "Register the features and write them; until then they count as unknown."


class SqliteRows:
    """Keeps what it read for as long as no other connection committed: what it returns is never older than the file.

    Safe between threads.
    """

    def __init__(self, store: Any, path: Path, within_s: float) -> None:
        """Read the database at `path`; a writer that locks it is waited for `within_s` seconds."""
        self._config = store.config
        self._path, self._within_s = path, within_s
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._file = self._version = -1
        self._kept: dict[str, dict[Key, Row | None]] = {}
        self._encoded: dict[tuple[tuple[str, ...], Key], bytes] = {}

    def read(self, wanted: Wanted) -> Rows:
        """Return the newest rows."""
        with self._lock:
            try:
                database = self._current()
                return {stored.name: self._rows(database, stored, set(keys)) for stored, keys in wanted}
            except sqlite3.OperationalError as err:
                self._forget()
                if "locked" in str(err) or "busy" in str(err):
                    raise TimeoutError(f"{self._path} is locked by a writer") from err
                raise _away(self._path, err) from err
            except (sqlite3.Error, OSError) as err:
                self._forget()
                raise _away(self._path, err) from err

    def _current(self) -> sqlite3.Connection:
        """Return the connection, with nothing kept that another one has changed since."""
        # A file that was replaced stays readable through the old connection, and never changes there.
        file = os.stat(self._path).st_ino
        if self._database is None or file != self._file:
            self._forget()
            self._database, self._file = self._open(), file
        (version,) = self._database.execute("pragma data_version").fetchone()
        if version != self._version:
            self._kept, self._version = defaultdict(dict), version
        return self._database

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._within_s,
            isolation_level=None,
            detect_types=sqlite3.PARSE_DECLTYPES,
            check_same_thread=False,
        )

    def _forget(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database, self._kept, self._version = None, defaultdict(dict), -1

    def _rows(self, database: sqlite3.Connection, stored: Stored, keys: set[Key]) -> dict[Key, Row | None]:
        kept = self._kept[stored.name]
        new = [key for key in keys if key not in kept]
        if len(kept) + len(new) > MOST_KEPT:
            kept.clear()
            self._encoded.clear()
            new = list(keys)
        for start in range(0, len(new), AT_ONCE):
            self._fetch(database, stored, new[start : start + AT_ONCE])
        return kept

    def _fetch(self, database: sqlite3.Connection, stored: Stored, keys: Sequence[Key]) -> None:
        asked = {self._encode(stored, key): key for key in keys}
        table = compute_table_id(self._config.project, stored.view).replace('"', '""')
        sql = (
            f'select entity_key, feature_name, value, event_ts from "{table}" '  # noqa: S608 - names come from the registry
            f"where entity_key in ({','.join('?' * len(asked))})"
        )
        found: dict[bytes, dict[str, bytes]] = defaultdict(dict)
        known: dict[bytes, float] = {}
        for encoded, name, value, moment in database.execute(sql, list(asked)):
            found[encoded][name] = value
            known[encoded] = seconds(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
        kept = self._kept[stored.name]
        for encoded, key in asked.items():
            kept[key] = row_of(stored, known[encoded], found[encoded]) if encoded in known else None

    def _encode(self, stored: Stored, key: Key) -> bytes:
        place = (stored.keys, key)
        if place not in self._encoded:
            version = self._config.entity_key_serialization_version
            self._encoded[place] = serialize_entity_key(stored.entity_key(key), version)
        return self._encoded[place]


def _away(path: Path, err: Exception) -> Unavailable:
    return Unavailable(f"The online feature store {path}", str(err), REMEDY)
