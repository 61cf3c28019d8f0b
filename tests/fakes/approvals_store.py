"""Stores with the approvals tables: SQLite always, PostgreSQL where HANDRAIL_TEST_POSTGRES_URL is set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from handrail.approvals import adapters
from handrail.storage import Store, migrate, open_store

POSTGRES = os.environ.get("HANDRAIL_TEST_POSTGRES_URL")
DATABASES = ("sqlite", "postgresql") if POSTGRES else ("sqlite",)


@contextmanager
def approvals_store(database: str, folder: Path) -> Iterator[Store]:
    """Lend a store of one's own; a PostgreSQL schema is dropped afterwards."""
    if database == "sqlite":
        store = open_store(f"sqlite:///{folder / 'handrail.db'}")
        migrate(store, "approvals", Path(adapters.__file__).parent / "migrations")
        yield store
        store.close()
        return
    schema = f"approvals_{secrets.token_hex(4)}"
    owner = sa.create_engine(str(POSTGRES), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(sa.text(f"create schema {schema}"))
    store = open_store(f"{POSTGRES}?options=-csearch_path%3D{schema}")
    try:
        migrate(store, "approvals", Path(adapters.__file__).parent / "migrations")
        yield store
    finally:
        store.close()
        with owner.connect() as connection:
            connection.execute(sa.text(f"drop schema {schema} cascade"))
        owner.dispose()
