"""`Readings`: the same promises by the fake and by threads."""

import threading

import pytest

from handrail.approvals.adapters.reading_threads import KEPT_S, MOST_WAITING, ReadingThreads
from handrail.approvals.domain.errors import StillReading
from handrail.errors import Refused
from tests.fakes.approvals_evidence import ReadingsAtOnce

PATIENCE_S = 0.02


class Fake:
    """The fake, made slow and quick again."""

    def __init__(self):
        self.readings = ReadingsAtOnce()

    def be_slow(self):
        self.readings.is_slow = True

    def be_quick(self):
        self.readings.is_slow = False

    def work(self, value):
        return lambda: value


class Threads:
    """Threads whose work waits until it may end."""

    def __init__(self):
        self.now, self.may_end = 0.0, threading.Event()
        self.may_end.set()
        self.readings = ReadingThreads(PATIENCE_S, lambda: self.now)

    def be_slow(self):
        self.may_end.clear()

    def be_quick(self):
        self.may_end.set()

    def work(self, value):
        return lambda: (self.may_end.wait(30), value)[1]


@pytest.fixture(params=[Fake, Threads])
def world(request):
    made = request.param()
    yield made
    made.be_quick()


def _repeat(readings, work, read):
    """Call as a client does, until the outcome is there."""
    for _ in range(1000):
        try:
            return readings.outcome(work, "it", read)
        except StillReading:
            continue
    raise AssertionError


def test_quick_work_ends_within_the_call(world):
    assert world.readings.outcome("a", "it", world.work(1)) == 1
    assert world.readings.outcome("a", "it", world.work(2)) == 2


def test_what_work_raises_is_raised(world):
    def refuse():
        raise Refused("The tree", ("It is empty.",))

    with pytest.raises(Refused, match="empty"):
        _repeat(world.readings, "a", refuse)


def test_slow_work_goes_on_and_its_outcome_is_given_once(world):
    world.be_slow()
    with pytest.raises(StillReading, match="its files are being read"):
        world.readings.outcome("a", "it", world.work(1))
    world.be_quick()

    assert _repeat(world.readings, "a", world.work(1)) == 1
    assert _repeat(world.readings, "a", world.work(2)) == 2


def test_work_of_one_name_is_done_once_at_a_time():
    world, begun = Threads(), []
    world.be_slow()

    def read():
        begun.append(threading.current_thread().name)
        world.may_end.wait(30)
        return len(begun)

    for _ in range(3):
        with pytest.raises(StillReading):
            world.readings.outcome("a", "it", read)
    world.be_quick()

    assert _repeat(world.readings, "a", read) == 1
    assert threading.current_thread().name not in begun


def test_what_waits_already_bounds_what_is_begun():
    world = Threads()
    world.be_slow()
    for number in range(MOST_WAITING):
        with pytest.raises(StillReading, match="its files are being read"):
            world.readings.outcome(str(number), "it", world.work(number))

    for _ in range(2):
        with pytest.raises(StillReading, match="too many other trees"):
            world.readings.outcome("one more", "it", world.work(0))

    world.be_quick()
    assert [_repeat(world.readings, str(number), world.work(-1)) for number in range(MOST_WAITING)] == list(
        range(MOST_WAITING)
    )
    assert world.readings.outcome("one more", "it", world.work(5)) == 5


def test_an_outcome_that_nobody_asks_for_is_forgotten():
    world = Threads()
    world.be_slow()
    with pytest.raises(StillReading):
        world.readings.outcome("a", "it", world.work(1))
    world.be_quick()
    world.readings.outcome("b", "it", world.work(0))

    world.now = KEPT_S + 1

    assert world.readings.outcome("a", "it", world.work(2)) == 2
