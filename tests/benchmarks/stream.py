"""Readings from a broker to Feast's online store, beside Feast's bare push of the same rows; `make bench-stream`.

`RATE` readings a second of 50 sensors for `SECONDS` over each broker whose HANDRAIL_TEST_<KIND>_URL is set. The time of
one reading is from the moment before it is sent to the moment at which its row is written online: through the broker,
the row store with its wait for the disk, and the push. The limit is the push alone, of the same rows in the same pages.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from handrail.acquisition import Arrived, OnlineTable, Table
from handrail.bootstrap.acquisition_following import Wanted, open_following
from handrail.settings import load_settings
from tests.benchmarks import harness
from tests.fakes.brokers import BROKERS, Broker
from tests.fakes.pushed_project import SOURCE, TABLE, PushedProject, make_project

RATE, SECONDS = int(os.environ.get("RATE", "200")), float(os.environ.get("SECONDS", "15"))
SENSORS, TICK_S, LIMIT_S = 50, 0.05, 120.0


class Timed(OnlineTable):
    """Pushes, and notes for each row when it was written; `x` of a row is when it was sent."""

    def __init__(self, inner: OnlineTable) -> None:
        self.inner, self.took_s, self.pages = inner, list[float](), list[Sequence[Arrived]]()

    def push(self, table: Table, rows: Sequence[Arrived]) -> int:
        """Push, then look at the clock."""
        pushed = self.inner.push(table, rows)
        now = time.time()
        self.took_s += [now - json.loads(row.body)[2] for row in rows]
        self.pages.append(rows)
        return pushed

    def close(self) -> None:
        """Close it."""
        self.inner.close()


def main() -> None:
    """Measure each broker, print, and write the results."""
    if not BROKERS:
        sys.exit("error: no broker. Set HANDRAIL_TEST_REDIS_URL, _MQTT_URL, _NATS_URL or _AMQP_URL.")
    warnings.simplefilter("ignore")
    os.environ.setdefault("BROKER_LOGIN", "guest:guest")
    load, rows = harness.quiet_load(), []
    for kind in sorted(BROKERS):
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
            ours, bare = measure(Broker(kind), Path(folder))
        case = f"{kind}, {RATE}/s"
        for name, share in (("p50", 50), ("p99", 99)):
            mine, theirs = quantile(ours, share), quantile(bare, share)
            peer = ("feast-push", [theirs])
            rows.append(harness.compare(case, f"to online, {name}", "s", [mine], peer))
    harness.finish("stream", rows, load, LIMIT_S)


def measure(broker: Broker, folder: Path) -> tuple[list[float], list[float]]:
    """Return how long each reading took, and how long the bare push of each of the same pages takes."""
    broker.make()
    stream = {"url": broker.url, "topic": broker.topic, "group": broker.topic}
    project = make_project(folder, stream | ({"credentials_env": "BROKER_LOGIN"} if broker.kind == "amqp" else {}))
    settings, stopping, sent = load_settings(folder), threading.Event(), int(RATE * SECONDS)
    try:
        with open_following(settings, TABLE, Wanted(SOURCE), print, lambda _: None, stopping) as following:
            assert following.acquiring.online is not None
            timed = following.acquiring.online = Timed(following.acquiring.online)
            thread = threading.Thread(target=following.run)
            thread.start()
            send(broker, sent)
            deadline = time.monotonic() + LIMIT_S
            while len(timed.took_s) < sent and time.monotonic() < deadline:
                time.sleep(TICK_S)
            stopping.set()
            thread.join()
        if len(timed.took_s) < sent:
            sys.exit(f"error: {broker.kind} gave {len(timed.took_s)} of {sent} readings within {LIMIT_S:.0f} s.")
        return timed.took_s, [seconds_bare(project, rows) for rows in timed.pages]
    finally:
        project.close()
        broker.remove()


def send(broker: Broker, count: int) -> None:
    """Send at the rate, in handfuls."""
    begin, done = time.monotonic(), 0
    while done < count:
        due = min(count, int((time.monotonic() - begin) * RATE))
        if due > done:
            broker.send(*(reading(number) for number in range(done, due)))
            done = due
        time.sleep(TICK_S)


def reading(number: int) -> bytes:
    """Return one reading."""
    now = time.time()
    at = datetime.fromtimestamp(now, UTC)
    body = {"sensor": f"s{number % SENSORS}", "at": at.isoformat(), "x": now, "n": number}
    return json.dumps(body).encode()


def seconds_bare(project: PushedProject, rows: Sequence[Arrived]) -> float:
    """Return how long Feast's own push of a page takes."""
    frame = pd.DataFrame([json.loads(row.body) for row in rows], columns=["sensor", "at", "x", "n"])
    frame["known_at"] = [pd.Timestamp(row.known_at + timedelta(days=1)) for row in rows]
    frame["came_at"] = [pd.Timestamp(row.came_at) for row in rows]
    begin = time.perf_counter()
    project.store.push(SOURCE, frame)
    return time.perf_counter() - begin


def quantile(values: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    main()
