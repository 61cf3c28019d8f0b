"""Opens Handrail's own store: SQLite in WAL mode with full syncs, or PostgreSQL by URL."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from handrail.errors import Misconfigured, Unavailable
from handrail.tools import require

BUSY_TIMEOUT_S = 30


class Store:
    """One database, with explicit reading and writing transactions."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine that `open_store` made."""
        self.engine = engine
        self._writing = engine.execution_options(handrail_writes=True)
        # On PostgreSQL each statement would see what was committed just before it; SQLite reads one state by itself.
        keeps = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self._reading = engine.execution_options(**keeps)

    @property
    def address(self) -> str:
        """The URL of the database without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection whose statements see one state of the database.

        Raises:
            Unavailable: the database cannot be reached, or is damaged.
        """
        with self.translated(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection whose statements are one durable transaction: all or nothing.

        On SQLite the write lock is taken at the start, so that a decision read inside stays true until the commit.

        Raises:
            Unavailable: the database cannot be reached, is locked or damaged, or its disk is full.
        """
        with self.translated(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Say what a database refuses in the block in one sentence.

        Raises:
            Unavailable: the database cannot be reached, is locked or damaged, or its disk is full.
        """
        try:
            yield
        except DatabaseError as err:
            # The class itself is what SQLite raises for a damaged file; its other subclasses are programming errors.
            if not isinstance(err, OperationalError) and type(err) is not DatabaseError:
                raise
            problem = str(err.orig).strip().rstrip(".")
            raise Unavailable(f"The store {self.address}", problem, _remedy(err.orig)) from err

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _remedy(problem: BaseException | None) -> str:
    # The lower byte is the plain code of an extended one.
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return "Nothing of this step was written; restore a backup, or move the file away to begin with an empty one."
    return "Nothing of this step was written; free the disk or start the database, and run it again."


def open_store(url: str, patience_s: float | None = None, *, synced: bool = True) -> Store:
    """Open the store at a SQLAlchemy URL; a missing SQLite file is made, readable by its owner alone.

    Where it is not `synced`, a transaction outlives the end of the process, and is on disk with the next that is
    synced, by whomever: a power cut before that loses the last ones, whole and in order.

    `patience_s` is how long a statement waits for a lock and a connection for its server: by default 30 seconds on
    SQLite, and as long as the server and the system will on PostgreSQL.

    Raises:
        Misconfigured: the URL cannot be used.
        Unavailable: a SQLite file cannot be made.
        MissingTool: the database's driver is not installed.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Store(_open_sqlite(parsed, BUSY_TIMEOUT_S if patience_s is None else patience_s, synced))
    if parsed.get_backend_name() == "postgresql":
        require("psycopg", "postgresql")
        return Store(_open_postgresql(parsed.set(drivername="postgresql+psycopg"), patience_s, synced))
    raise Misconfigured("database_url", f"{parsed.get_backend_name()!r} is not supported", "Use SQLite or PostgreSQL.")


def missing_file(url: str) -> Path | None:
    """Return the SQLite file that `open_store` would have to make for this URL, None if it is there or a server has it.

    Raises:
        Misconfigured: the URL cannot be used.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    file = Path(str(parsed.database))
    return None if file.is_file() else file


def _parsed(url: str) -> sa.URL:
    try:
        return make_url(url)
    except ArgumentError as err:
        raise Misconfigured(
            "database_url", "it is not a SQLAlchemy URL", "Use sqlite:///path or postgresql+psycopg://..."
        ) from err


def _open_postgresql(url: sa.URL, patience_s: float | None, synced: bool) -> Engine:
    waits = {} if patience_s is None else {"connect_timeout": math.ceil(patience_s)}
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args=waits)
    event.listen(engine, "connect", partial(_prepare_postgresql, patience_s=patience_s, synced=synced))
    return engine


def _open_sqlite(url: sa.URL, patience_s: float, synced: bool) -> Engine:
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600, exist_ok=True)
        except OSError as err:
            problem = f"it cannot be made: {err.strerror}"
            raise Unavailable(str(file), problem, "Correct the rights of its folder, or name another.") from err
    engine = sa.create_engine(url, connect_args={"timeout": patience_s})
    event.listen(engine, "connect", partial(_prepare_sqlite, synced=synced))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any, synced: bool) -> None:
    # The driver's own implicit BEGIN would be deferred: transactions are begun by `_begin_sqlite` instead.
    connection.isolation_level = None
    # Keys are hashes, so a transaction touches pages all over the tables: with the defaults (2 MB of pages held, the
    # log moved into the file each 4 MB) most of them would be read and written several times.
    sizes = ("cache_size = -32768", "wal_autocheckpoint = 4000")
    sync = "synchronous = full" if synced else "synchronous = normal"
    for pragma in ("journal_mode = wal", sync, "foreign_keys = on", *sizes):
        connection.execute(f"pragma {pragma}")


def _prepare_postgresql(connection: Any, _record: Any, patience_s: float | None, synced: bool) -> None:
    # The planner takes every recursive query for a huge one, and compiling it takes longer than running it.
    with connection.cursor() as cursor:
        cursor.execute("set jit = off")
        if not synced:
            cursor.execute("set synchronous_commit = off")
        if patience_s is not None:
            cursor.execute(f"set lock_timeout = {math.ceil(patience_s * 1000)}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("handrail_writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
