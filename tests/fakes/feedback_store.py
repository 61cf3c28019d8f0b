"""Databases with the tables of feedback: SQLite always, PostgreSQL where HANDRAIL_TEST_POSTGRES_URL is set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from handrail.feedback.service import FeedbackStores
from handrail.storage import Store, migrate, open_store
from tests.fakes.feedback import memory_stores

POSTGRES = os.environ.get("HANDRAIL_TEST_POSTGRES_URL")
DATABASES = ("sqlite", "postgresql") if POSTGRES else ("sqlite",)


@contextmanager
def a_database(kind: str, folder: Path) -> Iterator[str]:
    """Lend the URL of an empty database; a PostgreSQL schema is dropped afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'handrail.db'}"
        return
    schema = f"feedback_{secrets.token_hex(6)}"
    url = sa.make_url(str(POSTGRES)).update_query_dict({"options": f"-csearch_path={schema}"})
    owner = sa.create_engine(str(POSTGRES), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(sa.text(f"create schema {schema}"))
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with owner.connect() as connection:
            connection.execute(sa.text(f"drop schema {schema} cascade"))
        owner.dispose()


@contextmanager
def a_migrated_store(kind: str, folder: Path, plugin: str, scripts: Path) -> Iterator[Store]:
    """Lend a store with the tables that the scripts of a plugin make."""
    with a_database(kind, folder) as url:
        store = open_store(url)
        try:
            migrate(store, plugin, scripts)
            yield store
        finally:
            store.close()


@contextmanager
def a_store(kind: str, folder: Path) -> Iterator[Store]:
    """Lend a store with the tables of feedback."""
    from handrail.bootstrap.feedback import feedback_stores

    with a_database(kind, folder) as url:
        store = open_store(url)
        try:
            feedback_stores(store)
            yield store
        finally:
            store.close()


@contextmanager
def stores_of(kind: str, folder: Path) -> Iterator[FeedbackStores]:
    """Lend empty stores: the fakes for "memory", else those of a database."""
    if kind == "memory":
        yield memory_stores()
        return
    from handrail.bootstrap.feedback import feedback_stores

    with a_store(kind, folder) as store:
        yield feedback_stores(store)
