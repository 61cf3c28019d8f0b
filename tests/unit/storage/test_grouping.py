"""Calls that arrive together are written as one group; each gets its own result or its own error."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.errors import Busy, Conflict, Unavailable
from handrail.storage import grouping
from handrail.storage.grouping import GroupCommit
from tests.fakes.waiting_writer import DEADLINE_S, while_one_writes

BAD = -1


class HeldStore:
    """A set of numbers whose first write waits until the test lets it go; it counts what each write was given."""

    def __init__(self, failure=None):
        self.numbers = set()
        self.writes = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.failure = failure

    def write(self, calls, key):
        self.writes.append((key, [len(numbers) for numbers in calls]))
        self.entered.set()
        assert self.go.wait(DEADLINE_S)
        if self.failure:
            raise self.failure
        if any(BAD in numbers for numbers in calls):
            raise Conflict("number", str(BAD), "Send another.")
        self.numbers |= {number for numbers in calls for number in numbers}
        return [sum(numbers) for numbers in calls]


def written(held, *calls, max_items=10):
    """Write `calls`, each numbers and a key, while a first one is being written; return the result of each."""
    group = GroupCommit(held.write, max_items)
    first, *others = [lambda each=each: group.run(*each) for each in [([1000], "bot"), *calls]]
    return while_one_writes(held, group, first, others)


def test_calls_that_wait_are_written_together_and_each_gets_its_own_result():
    held = HeldStore()

    found = written(held, ([1], "bot"), ([2, 3], "bot"), ([4], "bot"))

    assert found == [1000, 1, 5, 4]
    assert [(key, sorted(sizes)) for key, sizes in held.writes] == [("bot", [1]), ("bot", [1, 1, 2])]


def test_a_refused_call_fails_alone():
    held = HeldStore()

    _, good, bad, also = written(held, ([1], "bot"), ([BAD], "bot"), ([3], "bot"))

    assert isinstance(bad, Conflict)
    assert (good, also) == (1, 3)
    assert held.numbers == {1000, 1, 3}


def test_calls_with_other_keys_never_share_a_transaction():
    held = HeldStore()

    written(held, ([1], "bot"), ([2], "ann"))

    assert sorted(held.writes) == [("ann", [1]), ("bot", [1]), ("bot", [1])]


def test_a_store_that_cannot_be_reached_fails_every_call_and_is_tried_once():
    held = HeldStore(Unavailable("The store", "it is gone", "Start it."))

    found = written(held, ([1], "bot"), ([2], "bot"))

    assert [sizes for _, sizes in held.writes] == [[1], [1, 1]]
    assert all(isinstance(each, Unavailable) for each in found)


def test_a_large_call_is_written_on_its_own():
    held = HeldStore()

    written(held, (range(10), "bot"), ([2000], "bot"))

    assert sorted(sizes for _, sizes in held.writes) == [[1], [1], [10]]


@pytest.mark.parametrize("callers", [1, 8])
def test_every_call_is_written_exactly_once_however_many_call(callers):
    held = HeldStore()
    held.go.set()
    group = GroupCommit(held.write)

    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(lambda number: group.run([number], "bot"), range(200)))

    assert found == list(range(200))
    assert sum(len(sizes) for _, sizes in held.writes) == 200
    assert held.numbers == set(range(200))


def test_a_call_of_nothing_gets_its_result():
    group = GroupCommit(lambda calls, key: [None for _ in calls])

    assert group.run([], "bot") is None


class Interrupted(BaseException):
    """What Ctrl-C raises in a thread that waits."""


class Breaking:
    """A lock whose acquirer is interrupted: at once, or once it is released."""

    def __init__(self, lock, once_released):
        self._lock, self._once_released = lock, once_released

    def acquire(self):
        if self._once_released:
            self._lock.acquire()
        raise Interrupted

    def release(self):
        self._lock.release()


@pytest.mark.parametrize("once_released", [False, True])
def test_a_caller_who_is_interrupted_while_it_waits_holds_up_nobody(once_released, monkeypatch):
    held = HeldStore()
    group, real = GroupCommit(held.write), grouping._Call
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.run, [1], "bot")
        assert held.entered.wait(DEADLINE_S)
        with monkeypatch.context() as patched:
            patched.setattr(grouping, "_Call", lambda *said: breaking(real(*said), once_released))
            interrupted = pool.submit(group.run, [2], "ann")
            wait_until(lambda: interrupted.done() or group.waiting() == 1)
        last = pool.submit(group.run, [3], "bob")
        held.go.set()

        assert (first.result(DEADLINE_S), last.result(DEADLINE_S)) == (1, 3)
        assert isinstance(interrupted.exception(DEADLINE_S), Interrupted)
    assert (group.waiting(), held.numbers) == (0, {1, 3})


def breaking(call, once_released):
    call.woken = Breaking(call.woken, once_released)
    return call


def wait_until(claim):
    deadline = time.monotonic() + DEADLINE_S
    while not claim() and time.monotonic() < deadline:
        threading.Event().wait(0.01)


def test_beyond_its_bound_a_call_is_refused_and_nothing_of_it_is_taken():
    held = HeldStore()
    group = GroupCommit(held.write, most_waiting=2)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.run, [1], "bot")
        assert held.entered.wait(DEADLINE_S)
        waiting = pool.submit(group.run, [2, 3], "bot")
        wait_until(lambda: group.waiting() == 1)

        with pytest.raises(Busy, match="2 rows wait"):
            group.run([4], "bot")
        held.go.set()

        assert (first.result(DEADLINE_S), waiting.result(DEADLINE_S)) == (1, 5)
    assert group.run([4], "bot") == 4
