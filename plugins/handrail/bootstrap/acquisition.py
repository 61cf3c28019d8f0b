"""Opens acquisition: which source stands behind a table of config/sources.yaml, and where its rows land."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from handrail.acquisition import Acquiring, Opening, RowStore, Source, Table, Taken, Versions
from handrail.bootstrap.acquisition_alone import alone
from handrail.clock import system_time
from handrail.errors import Misconfigured, UnknownReference
from handrail.settings import Settings, make_home
from handrail.storage import Store, migrate, open_store
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.acquisition.adapters.yaml_sources import SourcesFile, Stream, TableFile
    from handrail.acquisition.ports import Messages

__all__ = [
    "find_table",
    "open_acquired",
    "open_acquiring",
    "open_opening",
    "open_row_store",
    "open_version",
    "read_tables",
]

EXTRA = "acquisition"
AGAIN_AFTER_S = 30.0
"""After so long a broker sends again what a consumer took that is gone."""
STORE, PAGES = "acquired.db", "acquired_pages"


def read_tables(settings: Settings) -> SourcesFile:
    """Read config/sources.yaml of the project."""
    from handrail.acquisition.adapters.yaml_sources import read_sources

    return read_sources(settings.project)


def find_table(tables: Mapping[str, TableFile], name: str) -> TableFile:
    """Return what config/sources.yaml says of a table.

    Raises:
        UnknownReference: it has no such table.
    """
    if name not in tables:
        known = ", ".join(sorted(tables))
        raise UnknownReference("table", name, f"Write one of {known}, as config/sources.yaml has them.")
    return tables[name]


@contextmanager
def open_row_store(settings: Settings) -> Iterator[RowStore]:
    """Lend where rows land."""
    with open_acquired(settings) as store:
        yield _stores(store)[0]


@contextmanager
def open_acquired(settings: Settings) -> Iterator[Store]:
    """Lend the database of rows: a file below home of its own, or Handrail's own store where that is PostgreSQL."""
    from handrail.acquisition.adapters.sql_row_store import MIGRATIONS

    url = settings.store_url
    if url.startswith("sqlite"):
        make_home(settings)
        url = f"sqlite:///{settings.home / STORE}"
    store = open_store(url)
    try:
        migrate(store, "acquisition", MIGRATIONS)
        yield store
    finally:
        store.close()


@contextmanager
def open_acquiring(
    settings: Settings, name: str, progress: Callable[[Taken], None] = lambda _: None, *, go_on: bool = False
) -> Iterator[Acquiring]:
    """Lend what acquires one table of config/sources.yaml.

    Raises:
        Refused: the table is a stream that another process of this machine reads.
        Misconfigured: the file cannot be used, or an environment variable that it names is not set.
        UnknownReference: it has no such table.
        MissingTool: the client of the source is not installed.
    """
    written = _written(settings, name)
    with _alone(settings, written, name, "Acquiring", "let it, or end it first"):
        source = open_source(settings, written)
        try:
            with open_acquired(settings) as store:
                rows, versions = _stores(store)
                policy = written.on_change.policy()
                yield Acquiring(written.table(name), source, rows, versions, system_time, progress, go_on, policy)
        finally:
            source.close()


@contextmanager
def open_opening(settings: Settings, name: str) -> Iterator[Opening]:
    """Lend the versions of one table of config/sources.yaml; its source is not asked.

    Raises:
        Misconfigured, UnknownReference: as `open_acquiring`.
    """
    _written(settings, name)
    with open_acquired(settings) as store:
        yield Opening(name, *_stores(store))


def open_version(settings: Settings, name: str, renamed: Mapping[str, str], by: str) -> Table:
    """Open a new version of a table for the changes that were seen, or for the columns that config/sources.yaml has.

    Raises:
        InvalidInput: nothing changed, a name is not one that changed, or a column that is needed is gone.
        Refused: another process follows it, whose rows the new version would lack.
        Misconfigured, UnknownReference, Conflict: as the ports and `open_acquiring` say.
    """
    written = _written(settings, name)
    declared = written.table(name)
    held = _alone(settings, written, name, "Opening a version of", "end the follower first")
    with held, open_opening(settings, name) as opening:
        tables = opening.tables()
        other = bool(declared.columns and tables) and all(
            (declared.columns, declared.key) != (each.columns, each.key) for each in tables
        )
        return opening.open(by, system_time(), opening.noted(), renamed, declared if other else None)


def _alone(settings: Settings, written: TableFile, name: str, action: str, remedy: str) -> AbstractContextManager[None]:
    """Keep other readers of a stream out; any other source may be read by several."""
    return nullcontext() if written.stream is None else alone(settings, name, action, remedy)


def _written(settings: Settings, name: str) -> TableFile:
    return find_table(read_tables(settings).tables, name)


def _stores(store: Store) -> tuple[RowStore, Versions]:
    from handrail.acquisition.adapters.sql_row_store import SqlRowStore
    from handrail.acquisition.adapters.sql_versions import SqlVersions

    return SqlRowStore(store), SqlVersions(store)


def open_source(settings: Settings, table: TableFile) -> Source:
    """Open the source that a table names; it connects at its first use."""
    from handrail.acquisition.adapters import yaml_sources as written

    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    source = table.source
    if isinstance(source, written.Database):
        require("dlt", EXTRA)
        from handrail.acquisition.adapters.dlt_database import DltDatabase

        return DltDatabase(source, source.url or _secret(source.url_env))
    if isinstance(source, written.Http):
        require("dlt", EXTRA)
        from handrail.acquisition.adapters.dlt_http import DltHttp

        return DltHttp(source, _secret(source.token_env) if source.token_env else None)
    if isinstance(source, written.WebPage):
        require("lxml", EXTRA)
        from handrail.acquisition.adapters.web_table import WebTable

        return WebTable(source, settings.home / PAGES)
    if isinstance(source, written.Documents):
        from handrail.acquisition.adapters.json_documents import JsonDocuments

        return JsonDocuments(source, settings.project)
    return _open_stream(source)


def _open_stream(source: Stream) -> Source:
    """Open the topic of a broker. Redis and NATS are read as feedback reads them."""
    from handrail.acquisition.adapters.message_source import MessageSource
    from handrail.feedback import StreamAddress

    credentials = _secret(source.credentials_env) if source.credentials_env else None
    scheme = source.url.partition("://")[0]
    messages: Messages
    if scheme in ("mqtt", "mqtts"):
        require("paho", EXTRA)
        from handrail.acquisition.adapters.mqtt_messages import MqttMessages

        messages = MqttMessages(source, credentials)
    elif scheme in ("amqp", "amqps"):
        require("aio_pika", EXTRA)
        from handrail.acquisition.adapters.amqp_messages import AmqpMessages

        messages = AmqpMessages(source, credentials)
    elif scheme in ("nats", "tls"):
        require("nats", EXTRA)
        from handrail.feedback.adapters.nats_stream import NatsStream

        messages = NatsStream(StreamAddress(source.url, source.topic, source.group), credentials, AGAIN_AFTER_S)
    elif scheme in ("redis", "rediss"):
        require("redis", EXTRA)
        from handrail.feedback.adapters.redis_stream import RedisStream

        messages = RedisStream(StreamAddress(source.url, source.topic, source.group), credentials, AGAIN_AFTER_S)
    else:
        remedy = "Write mqtt://, mqtts://, redis://, rediss://, nats://, tls://, amqp:// or amqps://."
        raise Misconfigured("config/sources.yaml", f"{scheme!r} is no broker", remedy)
    return MessageSource(source, messages)


def _secret(variable: str | None) -> str:
    value = os.environ.get(variable or "", "")
    if not value:
        raise Misconfigured("config/sources.yaml", f"the environment variable {variable} is not set", "Set it.")
    return value
