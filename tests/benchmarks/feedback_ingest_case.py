"""One side of the benchmark `feedback-ingest` in a process of its own; the peers are in `feedback_ingest_peers`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.feedback import open_feedback
from handrail.feedback import FeedbackLog, Prediction
from handrail.feedback.adapters.spool import PredictionSpool
from handrail.feedback.domain.event_columns import sift_events
from handrail.feedback.service.receiving import check
from handrail.settings import Settings
from handrail.storage import open_store
from tests.benchmarks import feedback_ingest_peers as peers
from tests.benchmarks.feedback_ingest_load import Document, an_event, as_json, at_once, columns, over_http, waited
from tests.fakes.feedback_store import a_database

KINDS = "version: 1\nkinds:\n  ground_truth: {maturity_window_hours: 36, values: [0, 1]}\n"
ARROW = "application/vnd.apache.arrow.stream"
BLOCK = 4096


def settings_of(folder: Path, **more: Any) -> Settings:
    """Return the settings of a project that declares one kind."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    return Settings(project=folder, home=folder / ".handrail", repository="shop", **more)


@contextmanager
def a_log(database: str, folder: Path) -> Iterator[FeedbackLog]:
    """Yield a log over an empty database."""
    with a_database(database, folder) as url:
        store = open_store(url)
        try:
            yield open_feedback(settings_of(folder), store)
        finally:
            store.close()


def threads(database: str, count: int, folder: Path) -> Document:
    """Record one event a call from 64 threads."""
    events = {number: an_event(number) for number in range(-64, count)}
    with a_log(database, folder) as log:
        found = at_once(lambda number: log.record_feedback([events[number]]), count)
        return found | {"is_right": log.status().feedback == count + 64}


def bulk(database: str, count: int, folder: Path) -> Document:
    """Record a batch by columns, then the same again; the figure is of the first."""
    table = columns(count)
    with a_log(database, folder) as log:
        cpu, begin = time.thread_time(), time.perf_counter()
        receipt = log.receive_events(table)
        spent = {"wall_s": time.perf_counter() - begin, "cpu_s": time.thread_time() - cpu}
        again = log.receive_events(table)
        cpu = time.thread_time()
        sift_events(table, log.kinds, lambda event: check(event, log.kinds))
        spent |= {"sift_cpu_s": time.thread_time() - cpu}
    return {"events": count, "is_right": (receipt.accepted, again.repeated) == (count, count)} | spent


@contextmanager
def a_server(folder: Path) -> Iterator[int]:
    """Serve feedback from a process of its own and yield the port."""
    serving = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.feedback_ingest_case", "serve", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        yield int(serving.stdout.readline())
    finally:
        serving.terminate()
        serving.wait(30)


def serve(folder: Path) -> None:
    """Serve until the process is stopped; print the port first."""
    import socket

    import uvicorn

    from handrail.entrypoints.http.feedback import checked_by_host, feedback_app

    platform = Platform(settings_of(folder, feedback_max_bytes=200_000_000))
    platform.feedback.status()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(feedback_app(platform, checked_by_host), log_level="error")
        uvicorn.Server(config).run(sockets=[listener])


def http(count: int, folder: Path) -> Document:
    """Send one event a request over 64 connections."""
    bodies = [as_json(an_event(number)) for number in range(count)]
    with a_server(folder) as port:
        found = over_http(port, "/v1/feedback", bodies, "content-type: application/json\r\n")
    return found | {"is_right": counted(folder) == count}


def counted(folder: Path) -> int:
    """Return how many events the store of a project holds."""
    with Platform(settings_of(folder)) as platform:
        return platform.feedback.status().feedback


def bulk_http(count: int, folder: Path) -> Document:
    """Send a batch as an Arrow stream in one request."""
    import pyarrow as pa

    table = columns(count)
    table.pop("received_at")
    moments = pa.array(table.pop("occurred_at"), pa.timestamp("us", "UTC"))
    arrow = pa.table(table | {"occurred_at": moments})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, arrow.schema) as stream:
        stream.write_table(arrow)
    with a_server(folder) as port:
        address = f"http://127.0.0.1:{port}/v1/feedback"
        request = urllib.request.Request(address, sink.getvalue(), {"Content-Type": ARROW})
        begin = time.perf_counter()
        urllib.request.urlopen(request).read()
        wall = time.perf_counter() - begin
    return {"events": count, "wall_s": wall, "is_right": counted(folder) == count}


def spool(count: int, folder: Path) -> Document:
    """Append one prediction a call, as a serving process does before its answer leaves."""
    made = datetime(2026, 11, 1, tzinfo=UTC)
    rows = [Prediction(f"p{number}", "deploy://l/shop/1", f"s{number}", made, 0.5, 0) for number in range(count)]
    kept, latencies = PredictionSpool(folder / "spool"), []
    kept.append([rows[0]])
    for row in rows:
        begin = time.perf_counter()
        kept.append([row])
        latencies.append(time.perf_counter() - begin)
    kept.close()
    return {"events": count, "wall_s": sum(latencies), "is_right": True} | waited(latencies)


def fdatasync(count: int, folder: Path) -> Document:
    """Append blocks of 4 KiB and wait for the disk each time."""
    with (folder / "block").open("wb", buffering=0) as file:
        block = os.urandom(BLOCK)
        begin = time.perf_counter()
        for _ in range(count):
            file.write(block)
            os.fdatasync(file.fileno())
        return {"events": count, "wall_s": time.perf_counter() - begin, "is_right": True}


SIDES: dict[str, Callable[[int, Path], Document]] = {
    "threads": lambda count, folder: threads("sqlite", count, folder),
    "threads-postgresql": lambda count, folder: threads("postgresql", count, folder),
    "http": http,
    "bulk": lambda count, folder: bulk("sqlite", count, folder),
    "bulk-postgresql": lambda count, folder: bulk("postgresql", count, folder),
    "bulk-http": bulk_http,
    "spool": spool,
    "fdatasync": fdatasync,
    **peers.SIDES,
}


def main() -> None:
    """Measure one side and print it as JSON: arguments are the side and its number of events."""
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        result = SIDES[sys.argv[1]](int(sys.argv[2]), Path(folder))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
