"""Local sources that replay the recorded tables, with the faults that real ones have.

Late commits, duplicates, answers 500, a connection that drops, pages in another order, and messages sent twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import sqlalchemy as sa

from flows.steps.data.sources.acquired import ORDER

PAGE = 1_000
LATE = 97
"""Every so many rows one is committed late."""
AT_ONCE = 5_000
BY_DATABASE, BY_API, BY_PAGE, BY_BROKER = ("flights",), ("weather",), ("airports", "airlines"), ("planes",)


@dataclass
class Replayed:
    """What config/sources.yaml says of each table's source, and the rows that come late."""

    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    late: dict[str, Any] = field(default_factory=dict)

    def add_late(self, table: str) -> None:
        """Let what was held back of a table arrive now."""
        arrive = self.late.pop(table, None)
        if arrive is not None:
            arrive()


@contextmanager
def replay(tables: Mapping[str, pl.DataFrame], folder: Path) -> Iterator[Replayed]:
    """Start the sources; they end with the block."""
    rows = {name: _rows(frame) for name, frame in tables.items()}
    replayed = Replayed()
    with ExitStack() as stack:
        stack.enter_context(_database(replayed, rows, folder))
        stack.enter_context(_website(replayed, rows))
        stack.enter_context(_broker(replayed, rows, folder))
        yield replayed


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    if "time_hour" in frame.columns:
        frame = frame.with_columns(pl.col("time_hour").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return frame.with_row_index(ORDER).to_dicts()


@contextmanager
def _database(replayed: Replayed, rows: Mapping[str, list[dict[str, Any]]], folder: Path) -> Iterator[None]:
    """A table of PostgreSQL where HANDRAIL_TEST_POSTGRES_URL is set, else of SQLite; some rows are committed late."""
    url, schema = os.environ.get("HANDRAIL_TEST_POSTGRES_URL"), f"sources_{secrets.token_hex(4)}"
    engine = sa.create_engine(url or f"sqlite:///{folder / 'airport.db'}")
    place = f"{schema}.{{}}" if url else "{}"
    with engine.begin() as connection:
        if url:
            connection.execute(sa.text(f"create schema {schema}"))
    try:
        for table in BY_DATABASE:
            late = [row for row in rows[table] if row[ORDER] % LATE == 0]
            made = _make(engine, table, schema if url else None, rows[table][0])
            _insert(engine, made, [row for row in rows[table] if row[ORDER] % LATE])
            replayed.late[table] = lambda made=made, late=late: _insert(engine, made, late)
            replayed.sources[table] = {
                "database": {
                    "url": engine.url.render_as_string(hide_password=False),
                    "table": place.format(table),
                    "cursor": ORDER,
                    "overlap": 0,
                }
            }
        yield
    finally:
        if url:
            with engine.begin() as connection:
                connection.execute(sa.text(f"drop schema {schema} cascade"))
        engine.dispose()


def _make(engine: sa.Engine, table: str, schema: str | None, row: Mapping[str, Any]) -> sa.Table:
    kinds: dict[str, Any] = {ORDER: sa.BigInteger} | dict.fromkeys(
        ("carrier", "tailnum", "origin", "dest", "time_hour"), sa.Text
    )
    columns = [sa.Column(name, kinds.get(name, sa.BigInteger), primary_key=name == ORDER) for name in row]
    made = sa.Table(table, sa.MetaData(schema=schema), *columns)
    made.create(engine)
    return made


def _insert(engine: sa.Engine, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        for at in range(0, len(rows), AT_ONCE):
            connection.execute(sa.insert(table), rows[at : at + AT_ONCE])


class _Site:
    """A paged API and a page with tables. The API fails, drops connections and turns pages round."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        self._rows, self._asked = rows, 0

    def answer(self, address: str) -> tuple[int | None, str, bytes]:
        """Return status, type and body; no status for a connection that drops."""
        parts = urlsplit(address)
        if parts.path == "/robots.txt":
            return 404, "text/plain", b""
        if parts.path == "/tables.html":
            return 200, "text/html", self._page().encode()
        self._asked += 1
        if self._asked % 5 in (2, 4):
            return (500 if self._asked % 5 == 2 else None), "text/plain", b""
        at = int(parse_qs(parts.query).get("offset", ["0"])[0])
        table = parts.path.strip("/")
        page = self._rows[table][at : at + PAGE]
        # The last row comes once more, and every other page the other way round.
        given = [*page, *page[-1:]]
        body = {"items": given[::-1] if self._asked % 2 else given, "total": len(self._rows[table])}
        return 200, "application/json", json.dumps(body).encode()

    def _page(self) -> str:
        return "<html><body>" + "".join(self._table(name) for name in BY_PAGE) + "</body></html>"

    def _table(self, name: str) -> str:
        rows = self._rows[name]
        heads = "".join(f"<th>{escape(key)}</th>" for key in rows[0])
        cells = ("".join(f"<td>{_cell(value)}</td>" for value in row.values()) for row in rows)
        return f'<table id="{name}"><tr>{heads}</tr>' + "".join(f"<tr>{each}</tr>" for each in cells) + "</table>"


def _cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


@contextmanager
def _website(replayed: Replayed, rows: Mapping[str, list[dict[str, Any]]]) -> Iterator[None]:
    site = _Site(rows)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = site.answer(self.path)
            if status is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: what was asked is no news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    pages = {"style": "offset", "size": PAGE, "total": "total"}
    for table in BY_API:
        http = {"url": f"{address}/{table}", "records": "items", "pages": pages, "per_second": 1000}
        replayed.sources[table] = {"http": http}
    for table in BY_PAGE:
        replayed.sources[table] = {"web_page": {"url": f"{address}/tables.html", "table": table, "per_second": 10}}
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _broker(replayed: Replayed, rows: Mapping[str, list[dict[str, Any]]], folder: Path) -> Iterator[None]:
    """A NATS JetStream of its own: what came before comes again, the other way round, with what is late."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("nats-server")
    command = [str(program), "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder / "nats")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"nats://127.0.0.1:{port}"
        try:
            for table in BY_BROKER:
                early, late = rows[table][::2], [*reversed(rows[table])]
                asyncio.run(_publish(url, table, early))
                replayed.late[table] = lambda table=table, late=late: asyncio.run(_publish(url, table, late))
                replayed.sources[table] = {"stream": {"url": url, "topic": table, "most": AT_ONCE}}
            yield
        finally:
            server.terminate()


async def _publish(url: str, topic: str, rows: list[dict[str, Any]]) -> None:
    import nats

    client = await nats.connect(url, connect_timeout=10, max_reconnect_attempts=50, reconnect_time_wait=0.2)
    try:
        stream = client.jetstream()
        await stream.add_stream(name=topic, subjects=[f"{topic}.>"])
        for row in rows:
            await stream.publish(f"{topic}.row", json.dumps(row).encode())
    finally:
        await client.close()
