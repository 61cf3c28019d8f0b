"""Two processes ingest the same events at once, in orders of their own: the tables are those that one would leave."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from handrail.lineage.adapters.sql_events import SqlEvents
from handrail.lineage.adapters.tables import MIGRATIONS
from handrail.storage import migrate, open_store
from tests.fakes.effort import TIMES
from tests.fakes.lineage_events import a_dataset, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, an_url, dump

ROOT = Path(__file__).resolve().parents[3]
BOT, SINKS = "actor://service/airflow", ("marquez",)
RUNS, DEADLINE_S = 40, 120
WRITER = "import sys; from tests.adapters.lineage.test_two_writers import write; write(sys.argv[1], int(sys.argv[2]))"


def log():
    """Each run reads what two runs before it made; each of its three states is told."""
    return [
        read(
            a_run_event(
                run,
                state,
                [a_dataset(f"d{run - back}", "1") for back in (1, 2)],
                [a_dataset(f"d{run}", "1")],
                eventTime=f"2024-01-05T10:{minute:02}:{run:02}Z",
            )
        )
        for run in range(1, RUNS + 1)
        for minute, state in enumerate(("START", "RUNNING", "COMPLETE"))
    ]


def write(url, seed):
    """Ingest all events and some of them again, in an order and in batches that follow from the seed."""
    chance = random.Random(seed)
    events = log()
    events += chance.choices(events, k=RUNS)
    chance.shuffle(events)
    store = open_store(url)
    while events:
        size = chance.randint(1, 4)
        SqlEvents(store).add(events[:size], BOT, SINKS)
        del events[:size]
    store.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(min(TIMES, 20)))
def test_two_processes_at_once_leave_the_tables_of_one(kind, seed, tmp_path):
    with nullcontext(f"sqlite:///{tmp_path / 'two.db'}") if kind == "sqlite" else an_url(kind) as url:
        store = open_store(url)
        migrate(store, "lineage", MIGRATIONS)
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, url, str(2 * seed + which)], cwd=ROOT) for which in (0, 1)
        ]
        codes = [writer.wait(DEADLINE_S) for writer in writers]
        both = dump(store)
        store.close()

    with an_empty_store("sqlite") as store:
        SqlEvents(store).add(log(), BOT, SINKS)
        one = dump(store)
    assert codes == [0, 0]
    assert both == one
