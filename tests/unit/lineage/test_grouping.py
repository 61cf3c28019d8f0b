"""Callers that come at once share a transaction, and nothing else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.errors import Unavailable
from handrail.lineage.domain import CycleRefused
from handrail.lineage.service import GroupedLog
from tests.fakes.lineage_events import EventsInMemory, a_dataset, a_run_event, read

ANN, BOT = "actor://person/ann", "actor://service/airflow"
DEADLINE_S = 20


class HeldLog:
    """A log whose first call waits until the test lets it go; it counts its transactions."""

    def __init__(self, failure=None):
        self.kept = EventsInMemory()
        self.sizes = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.failure = failure

    def add(self, events, sender, sinks):
        self.sizes.append(len(events))
        self.entered.set()
        assert self.go.wait(DEADLINE_S)
        if self.failure:
            raise self.failure
        return self.kept.add(events, sender, sinks)


def event(number, **more):
    return read(a_run_event(number, outputs=[a_dataset(f"t{number}", "1")], **more))


def circle(number):
    return read(a_run_event(number, inputs=[a_dataset("a")], outputs=[a_dataset("a")]))


def while_one_writes(held, log, calls):
    """Start a call, then the others; let the first go when all others wait; return what each came to."""
    with ThreadPoolExecutor(len(calls) + 1) as pool:
        first = pool.submit(log.add, [event(1000)], BOT, [])
        assert held.entered.wait(DEADLINE_S)
        others = [pool.submit(log.add, events, sender, []) for events, sender in calls]
        deadline = time.monotonic() + DEADLINE_S
        while len(log._waiting) < len(calls) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        held.go.set()
        return [future.exception() or future.result() for future in [first, *others]]


def test_those_who_wait_are_written_together_and_each_learns_of_its_own():
    held = HeldLog()
    same = event(1)

    _, *found = while_one_writes(held, GroupedLog(held), [([same], BOT), ([same], BOT), ([event(2), event(3)], BOT)])

    assert held.sizes == [1, 4]
    assert sorted(map(len, found)) == [0, 1, 2]
    assert frozenset().union(*found) == {same.event_id, event(2).event_id, event(3).event_id}


def test_a_refused_call_fails_alone():
    held = HeldLog()

    _, good, bad, also = while_one_writes(
        held, GroupedLog(held), [([event(1)], BOT), ([circle(2)], BOT), ([event(3)], BOT)]
    )

    assert isinstance(bad, CycleRefused)
    assert (good, also) == ({event(1).event_id}, {event(3).event_id})
    assert set(held.kept.events) == {event(1000).event_id, event(1).event_id, event(3).event_id}


def test_two_senders_never_share_a_transaction():
    held = HeldLog()

    while_one_writes(held, GroupedLog(held), [([event(1)], BOT), ([event(2)], ANN)])

    assert sorted(held.sizes) == [1, 1, 1]
    assert {(event(1).event_id, BOT), (event(2).event_id, ANN)} <= held.kept.told


def test_a_store_that_is_not_there_is_told_to_everyone_and_tried_once():
    held = HeldLog(Unavailable("The store", "it is gone", "Start it."))

    found = while_one_writes(held, GroupedLog(held), [([event(1)], BOT), ([event(2)], BOT)])

    assert held.sizes == [1, 2]
    assert all(isinstance(each, Unavailable) for each in found)


def test_a_large_call_is_written_on_its_own():
    held = HeldLog()
    large = [event(number) for number in range(1000)]

    while_one_writes(held, GroupedLog(held), [(large, BOT), ([event(2000)], BOT)])

    assert sorted(held.sizes) == [1, 1, 1000]


@pytest.mark.parametrize("callers", [1, 8])
def test_nothing_is_lost_and_nothing_twice_however_many_call(callers):
    kept = EventsInMemory()
    log = GroupedLog(kept)
    events = [event(number) for number in range(100)]

    with ThreadPoolExecutor(callers) as pool:
        new = list(pool.map(lambda each: log.add([each], BOT, ["marquez"]), events * 2))

    assert sum(map(len, new)) == 100
    assert set(kept.events) == {each.event_id for each in events}
    assert len(kept.queue) == 100
