"""One side of the benchmark `lineage-ingest` in a process of its own: the same events, one receiver."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.bootstrap.lineage_events import open_intake
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import MIGRATIONS, metadata
from handrail.lineage.domain.facts import Facts, describe_derivation
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.service.intake import EventIntake
from handrail.settings import Settings
from handrail.storage import Store, migrate, open_store
from tests.fakes.lineage_events import a_dataset, a_run_event
from tests.fakes.lineage_server import a_platform, a_token, served
from tests.fakes.lineage_stores import an_url

Document = dict[str, Any]
SENDER = "actor://service/bench"
BATCH = 500
CALLERS = 64
BACK = 1_000
JOBS = 20
EFFECTS = 100_000
BLOCK = 4096
COUNTED = ("event", "node", "edge", "run")


def make_events(count: int) -> list[Document]:
    """Return events of `count` runs: each reads two of the last thousand datasets and makes one."""
    chance = random.Random(1)
    return [
        a_run_event(
            number,
            inputs=[_dataset(max(number - back, 0)) for back in chance.sample(range(1, BACK), 2)],
            outputs=[_dataset(number + 1)],
            eventTime=f"2024-01-05T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            job={"namespace": "airflow://prod", "name": f"job-{number % JOBS}"},
        )
        for number in range(count)
    ]


def _dataset(number: int) -> Document:
    return a_dataset(f"tables/t{number}", str(number % 7))


def expected(events: Sequence[Document]) -> dict[str, int]:
    """Return what has to be in the tables, counted without them."""
    datasets = {each["name"] for event in events for each in (*event["inputs"], *event["outputs"])}
    jobs = {event["job"]["name"] for event in events}
    edges = {
        (event["run"]["runId"], each["name"]) for event in events for each in (*event["inputs"], *event["outputs"])
    }
    count = len(events)
    return {"event": count, "run": count, "node": len(datasets) + len(jobs) + count, "edge": len(edges) + count}


def counted(store: Store) -> dict[str, int]:
    """Return how many rows the tables hold."""
    with store.read() as connection:
        return {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(metadata.tables[f"lineage_{name}"])
            ).scalar()
            or 0
            for name in COUNTED
        }


@contextmanager
def an_intake(kind: str, folder: Path) -> Iterator[tuple[EventIntake, Store]]:
    """Yield an intake over an empty database of that kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'lineage.db'}" if kind == "sqlite" else stack.enter_context(an_url(kind))
        store = open_store(url)
        stack.callback(store.close)
        yield open_intake(Settings(project=folder, home=folder / ".handrail", repository="shop"), store), store


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Return the wall and CPU seconds of some work."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def handrail(kind: str, batch: int, count: int, folder: Path) -> Document:
    """Ingest in process."""
    events = make_events(count)
    with an_intake(kind, folder) as (intake, store):
        parts = [events[start : start + batch] for start in range(0, count, batch)]
        spent = timed(lambda: [intake.receive(part, SENDER) for part in parts])
        return spent | {"events": count, "is_right": counted(store) == expected(events)}


def at_once(kind: str, count: int, folder: Path) -> Document:
    """Ingest in process, one event a call, from many threads: each returns when its event is on the disk."""
    events = make_events(count)
    with an_intake(kind, folder) as (intake, store), ThreadPoolExecutor(CALLERS) as pool:
        spent = timed(lambda: list(pool.map(lambda event: intake.receive([event], SENDER), events)))
        return spent | {"events": count, "is_right": counted(store) == expected(events)}


def over_http(count: int, folder: Path) -> Document:
    """Ingest over HTTP: the server runs in this process, so its figure holds the client as well."""
    events = make_events(count)
    platform = a_platform(folder)
    bodies = [json.dumps(events[start : start + BATCH]).encode() for start in range(0, count, BATCH)]
    headers = {"Authorization": f"Bearer {a_token(platform)}", "Content-Type": "application/json"}
    with served(platform) as address:
        calls = [urllib.request.Request(f"{address}/api/v1/lineage", body, headers) for body in bodies]
        spent = timed(lambda: [urllib.request.urlopen(call).read() for call in calls])
    result = spent | {"events": count, "is_right": counted(platform.store) == expected(events)}
    platform.close()
    return result


def feast_consumer(count: int, folder: Path) -> Document:
    """Let Feast's own consumer process the same events, without its HTTP server."""
    from feast.openlineage.models import OL_TABLES
    from feast.openlineage.processor import OpenLineageProcessor
    from feast.openlineage.store import OpenLineageStore

    events = make_events(count)
    store = OpenLineageStore(connection_string=f"sqlite:///{folder / 'feast.db'}")
    store.initialize()
    processor = OpenLineageProcessor(store)
    spent = timed(lambda: processor.process_batch(events))
    datasets = {each["name"] for event in events for each in (*event["inputs"], *event["outputs"])}
    with store.engine.connect() as connection:
        held = [
            connection.execute(sa.select(sa.func.count()).select_from(OL_TABLES[name])).scalar()
            for name in ("events", "runs", "datasets")
        ]
    return spent | {"events": count, "is_right": held == [count, count, len(datasets)]}


def fdatasync(count: int, folder: Path) -> Document:
    """Write blocks of 4 KiB in place and wait for the disk each time."""
    with (folder / "block").open("w+b", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, BLOCK * count)
        block = os.urandom(BLOCK)

        def write() -> None:
            for number in range(count):
                os.pwrite(file.fileno(), block, BLOCK * number)
                os.fdatasync(file.fileno())

        return timed(write) | {"events": count, "is_right": True}


def build_late(target: Path) -> Document:
    """Write a graph in which a raw file has 10^5 effects."""
    store = open_store(f"sqlite:///{target}")
    migrate(store, "lineage", MIGRATIONS)
    raw = artifact_at("s3://lake/raw@1")
    made = (describe_derivation(artifact_at(f"s3://lake/part-{n}@1"), raw, SENDER) for n in range(EFFECTS))
    SqlGraph(store).record(Facts.union(made))
    store.close()
    return {"effects": EFFECTS}


def late(source: Path | None, folder: Path) -> Document:
    """Say late what made a raw file, from sources that have causes themselves; into that graph, or an empty one."""
    if source is not None:
        shutil.copy(source, folder / "lineage.db")
    events = make_events(BATCH)
    statement = a_run_event(
        BATCH,
        inputs=[_dataset(BATCH)],
        outputs=[a_dataset("raw", "1")],
        eventTime="2024-01-05T12:00:00Z",
    )
    with an_intake("sqlite", folder) as (intake, store):
        intake.receive(events, SENDER)
        before = counted(store)
        spent = timed(lambda: intake.receive([statement], SENDER))
        return spent | {"events": 1, "is_right": counted(store)["edge"] == before["edge"] + 3}


def measure(side: str, argument: str, folder: Path) -> Document:
    """Return what one side measured; the argument is a number of events or a file."""
    if side == "late-build":
        return build_late(Path(argument))
    if side == "late":
        return late(Path(argument) if argument else None, folder)
    sides: dict[str, Callable[[int, Path], Document]] = {
        "batched": lambda count, folder: handrail("sqlite", BATCH, count, folder),
        "singly": lambda count, folder: handrail("sqlite", 1, count, folder),
        "postgresql": lambda count, folder: handrail("postgresql", BATCH, count, folder),
        "postgresql-singly": lambda count, folder: handrail("postgresql", 1, count, folder),
        "at-once": lambda count, folder: at_once("sqlite", count, folder),
        "http": over_http,
        "feast-consumer": feast_consumer,
        "fdatasync": fdatasync,
    }
    return sides[side](int(argument), folder)


def main() -> None:
    """Measure one side and print it as JSON: arguments are the side and its number of events, or a file."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        result = measure(sys.argv[1], sys.argv[2], Path(folder))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
