"""The event log in SQL: any order with any duplicates leaves the same bytes, a run's state never goes back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.tables import metadata
from handrail.lineage.domain.errors import RoleConflict
from tests.fakes.effort import tried
from tests.fakes.lineage_events import a_clash, a_dataset, a_dataset_event, a_job_event, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, dump

BOT = "actor://service/airflow"
SINKS = ("marquez", "archive")
SIZE = 6


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


@st.composite
def run_events(draw):
    """A run stands between the datasets it read and those it wrote, so no log closes a circle."""
    at = draw(st.integers(1, SIZE))
    version = st.sampled_from([None, "1"])
    read_ = draw(st.lists(st.tuples(st.integers(0, at - 1), version), max_size=2))
    made = draw(st.lists(st.tuples(st.integers(at, SIZE), version), max_size=2))
    state = draw(st.sampled_from(["START", "RUNNING", "OTHER", "ABORT", "FAIL", "COMPLETE"]))
    return a_run_event(
        at,
        state,
        [a_dataset(f"d{n}", v) for n, v in read_],
        [a_dataset(f"d{n}", v) for n, v in made],
        eventTime=f"2026-11-23T12:{draw(st.integers(0, 3)):02}:00Z",
        job={"namespace": "n", "name": draw(st.sampled_from(["one", "two"]))},
    )


others = st.one_of(
    st.integers(0, SIZE).map(lambda n: a_dataset_event(f"d{n}")),
    st.integers(1, SIZE).map(
        lambda n: a_job_event([a_dataset(f"d{n - 1}")], [a_dataset(f"d{n}")], job={"namespace": "n", "name": f"j{n}"})
    ),
)
logs = st.lists(st.tuples(st.one_of(run_events(), others), st.sampled_from([BOT, "actor://person/ann"])), min_size=1)


@tried(60)
@given(log=logs, data=st.data())
def test_any_permutation_with_duplicates_in_any_batches_leaves_identical_tables(store, log, data):
    again = data.draw(st.permutations(log + data.draw(st.lists(st.sampled_from(log), max_size=4))))
    size = data.draw(st.integers(1, 4))

    tables = []
    for order, batch in ((log, 1), (again, size)):
        clear(store)
        for start in range(0, len(order), batch):
            for teller in sorted({who for _, who in order[start : start + batch]}):
                part = [read(event) for event, who in order[start : start + batch] if who == teller]
                SqlEvents(store).add(part, teller, SINKS)
        tables.append(dump(store))

    assert repr(tables[0]).encode() == repr(tables[1]).encode()
    assert len(tables[0]["lineage_outbox"]) == len(SINKS) * len(tables[0]["lineage_event"])


@pytest.mark.parametrize("last", ["COMPLETE", "FAIL", "ABORT"])
def test_a_start_after_the_end_changes_only_when_the_run_began(store, last):
    clear(store)
    log = SqlEvents(store)
    log.add([read(a_run_event(state="START", eventTime="2026-11-23T11:00:00Z"))], BOT, [])
    log.add([read(a_run_event(state=last))], BOT, [])
    before = runs(store)

    log.add([read(a_run_event(state="START", eventTime="2026-11-23T13:00:00Z"))], BOT, [])
    log.add([read(a_run_event(state="RUNNING", eventTime="2026-11-23T14:00:00Z"))], BOT, [])

    assert runs(store) == before
    ((_, _, rank, started, ended),) = before
    assert (rank, started[11:16], ended[11:16]) == ({"COMPLETE": 4, "FAIL": 3, "ABORT": 2}[last], "11:00", "12:00")


def test_a_refused_batch_leaves_every_table_as_it_was(store):
    clear(store)
    log = SqlEvents(store)
    log.add([read(a_run_event(1, outputs=[a_dataset("b")], inputs=[a_dataset("a")]))], BOT, SINKS)
    before = dump(store)

    with pytest.raises(RoleConflict):
        log.add([read(a_run_event(2, "START")), a_clash(2)], BOT, SINKS)

    assert dump(store) == before


def runs(store):
    with store.read() as connection:
        return connection.execute(sa.select(metadata.tables["lineage_run"])).all()
