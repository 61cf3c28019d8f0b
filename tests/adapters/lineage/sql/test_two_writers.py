"""Two writers at once: the tables are those that one would leave, two halves of a circle do not pass."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.recording import lock, record
from handrail.lineage.adapters.sql.tables import MIGRATIONS, node
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.facts import describe_derivation
from handrail.lineage.domain.names import artifact_at
from handrail.storage import migrate, open_store
from tests.fakes.effort import TIMES
from tests.fakes.lineage_events import a_dataset, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, an_url, dump

pytestmark = pytest.mark.any_version

ROOT = Path(__file__).resolve().parents[4]
BOT, SINKS = "actor://service/airflow", ("marquez",)
RUNS, DEADLINE_S = 40, 120
WRITER = (
    "import sys; from tests.adapters.lineage.sql.test_two_writers import write; write(sys.argv[1], int(sys.argv[2]))"
)


def log():
    """Each run reads what two runs before it made; each of its three states is recorded."""
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


@pytest.mark.parametrize("kind", KINDS)
def test_two_halves_of_a_circle_that_are_recorded_at_once_do_not_pass(kind, tmp_path):
    one, other, root = map(artifact_at, ("s3://lake/one", "s3://lake/other", "s3://lake/root"))
    with nullcontext(f"sqlite:///{tmp_path / 'two.db'}") if kind == "sqlite" else an_url(kind) as url:
        store = open_store(url)
        migrate(store, "lineage", MIGRATIONS)
        graph = SqlGraph(store)
        for each in (one, other):
            graph.record(describe_derivation(each, root, "dvc"))

        with ThreadPoolExecutor() as pool:
            with store.write() as connection:
                lock(connection)
                record(connection, describe_derivation(one, other, "dvc"))
                second = pool.submit(graph.record, describe_derivation(other, one, "dvc"))
                # It has to wait for this transaction; if it does not, it has passed before this second is over.
                wait([second], timeout=1)
            with pytest.raises(CycleRefused):
                second.result(DEADLINE_S)
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_who_reads_sees_one_state_while_another_writes(kind, tmp_path):
    effect, cause = artifact_at("s3://lake/clean"), artifact_at("s3://lake/raw")
    with nullcontext(f"sqlite:///{tmp_path / 'one.db'}") if kind == "sqlite" else an_url(kind) as url:
        store = open_store(url)
        migrate(store, "lineage", MIGRATIONS)

        with store.read() as connection:
            before = connection.execute(sa.select(node)).all()
            SqlGraph(store).record(describe_derivation(effect, cause, "dvc"))
            after = connection.execute(sa.select(node)).all()

        with store.read() as connection:
            assert len(connection.execute(sa.select(node)).all()) == 2
        assert before == after == []
        store.close()
