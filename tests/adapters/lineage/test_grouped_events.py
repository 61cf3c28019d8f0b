"""Senders of events that call at once share a transaction, and nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.lineage.adapters.grouped_events import GroupedLog
from handrail.lineage.domain.errors import RoleConflict
from handrail.lineage.ports import EventLog
from tests.fakes.lineage_events import EventsInMemory, a_clash, a_dataset, a_run_event, read
from tests.fakes.waiting_writer import DEADLINE_S, while_one_writes

pytestmark = pytest.mark.any_version

ANN, BOT = "actor://person/ann", "actor://service/airflow"


class HeldLog(EventLog):
    """A log whose first call waits until the test lets it go; it counts its transactions."""

    def __init__(self):
        self.kept = EventsInMemory()
        self.sizes = []
        self.entered, self.go = threading.Event(), threading.Event()

    def add(self, events, sender, sinks):
        self.sizes.append(len(events))
        self.entered.set()
        assert self.go.wait(DEADLINE_S)
        return self.kept.add(events, sender, sinks)


def event(number, **more):
    return read(a_run_event(number, outputs=[a_dataset(f"t{number}", "1")], **more))


def merge(number):
    return read(a_run_event(number, inputs=[a_dataset("a")], outputs=[a_dataset("a")]))


def written(held, calls):
    """Write `calls`, each events and a sender, while a first one is being written; return the result of each."""
    log = GroupedLog(held)
    first, *others = [lambda each=each: log.add(*each, []) for each in [([event(1000)], BOT), *calls]]
    return while_one_writes(held, log.calls, first, others)


def test_those_who_wait_are_written_together_and_each_learns_of_its_own():
    held = HeldLog()
    same = event(1)

    _, *found = written(held, [([same], BOT), ([same], BOT), ([event(2), event(3)], BOT)])

    assert held.sizes == [1, 4]
    assert sorted(len(stored.new) for stored in found) == [0, 1, 2]
    assert frozenset().union(*(stored.new for stored in found)) == {same.event_id, event(2).event_id, event(3).event_id}


def test_a_refused_call_fails_alone():
    held = HeldLog()

    _, good, bad, also = written(held, [([event(1)], BOT), ([a_clash(2)], BOT), ([event(3)], BOT)])

    assert isinstance(bad, RoleConflict)
    assert (good.new, also.new) == ({event(1).event_id}, {event(3).event_id})
    assert set(held.kept.events) == {event(1000).event_id, event(1).event_id, event(3).event_id}


def test_each_learns_which_edges_of_its_own_runs_are_left_out():
    _, one, other = written(HeldLog(), [([merge(1)], BOT), ([event(2)], BOT)])

    assert one.left_out == {merge(1).event_id: ("used s3://lake/a",)}
    assert other.left_out == {}


def test_two_senders_never_share_a_transaction():
    held = HeldLog()

    written(held, [([event(1)], BOT), ([event(2)], ANN)])

    assert sorted(held.sizes) == [1, 1, 1]
    assert {(event(1).event_id, BOT), (event(2).event_id, ANN)} <= held.kept.sent


@pytest.mark.parametrize("callers", [1, 8])
def test_nothing_is_lost_and_nothing_twice_however_many_call(callers):
    kept = EventsInMemory()
    log = GroupedLog(kept)
    events = [event(number) for number in range(100)]

    with ThreadPoolExecutor(callers) as pool:
        new = list(pool.map(lambda each: log.add([each], BOT, ["marquez"]), events * 2))

    assert sum(len(stored.new) for stored in new) == 100
    assert set(kept.events) == {each.event_id for each in events}
    assert len(kept.queue) == 100
