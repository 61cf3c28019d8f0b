"""Stores with the approvals tables: SQLite always, PostgreSQL where HANDRAIL_TEST_POSTGRES_URL is set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from handrail.approvals import adapters
from handrail.approvals.adapters.ed25519_notes import Ed25519Heads
from handrail.approvals.adapters.sql_ledger import SqlLedger
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.domain.leaves import Leaf
from handrail.approvals.domain.notes import ED25519, VerifierKey
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


def log_key(name: str = "example.com/log", kind: int = ED25519) -> Ed25519Heads:
    """Make a key for a log."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Ed25519Heads(VerifierKey(name, kind, public), private)


@contextmanager
def sealed_store(database: str, folder: Path) -> Iterator[tuple[Store, Ed25519Heads, Seals]]:
    """Lend a store of one's own with a log's key and its seals, none of which may be broken at the end."""
    with approvals_store(database, folder) as store:
        key = log_key()
        seals = Seals(key)
        yield store, key, seals
        with store.read() as connection:
            assert list(seals.broken(connection)) == []


def logged_ledger(store: Store, signer: Ed25519Heads | None = None) -> SqlLedger:
    """Open a ledger with its log."""
    key = signer or log_key()
    ledger = SqlLedger(store, SqlLog(store, key))
    ledger.begin(Seals(key))
    return ledger


def fill_log(log: SqlLog, count: int) -> None:
    """Append so many leaves in one transaction, as it is quick."""
    with log._store.write() as connection:
        for number in range(count):
            log.append(connection, Leaf("alarm", "2026-01-01T00:00:00+00:00", {"text": f"n{number}"}))
