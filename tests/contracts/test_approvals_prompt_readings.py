"""`PromptReadings`: the same promises by the fake and by threads."""

import threading

import pytest

from handrail.approvals.adapters.prompt_threads import KEPT_S, MOST_WAITING, PromptThreads
from handrail.errors import Refused
from tests.fakes.approvals_differences import PromptAtOnce

PATIENCE_S = 0.05


class Fake:
    """The fake, in which works of a name are slow."""

    def __init__(self):
        self.prompt = PromptAtOnce()

    def be_slow(self, name):
        self.prompt.slow.add(name)

    def be_quick(self):
        self.prompt.slow.clear()

    def work(self, _name, value):
        return lambda: value


class Threads:
    """Threads whose slow works wait until they may end."""

    def __init__(self):
        self.now, self.may_end, self.slow = 0.0, threading.Event(), set()
        self.begun = []
        self.prompt = PromptThreads(PATIENCE_S, lambda: self.now)

    def be_slow(self, name):
        self.slow.add(name)

    def be_quick(self):
        self.slow.clear()
        self.may_end.set()

    def work(self, name, value):
        def read():
            self.begun.append(name)
            if name in self.slow:
                self.may_end.wait(30)
            return value

        return read


@pytest.fixture(params=[Fake, Threads])
def world(request):
    made = request.param()
    yield made
    made.be_quick()


@pytest.fixture
def threads():
    made = Threads()
    yield made
    made.be_quick()


def _until_there(prompt, works):
    """Ask as a page does that is loaded again, until all is there."""
    for _ in range(1000):
        done = prompt.within(works)
        if done.keys() == works.keys():
            return {name: future.result() for name, future in done.items()}
    raise AssertionError


def test_quick_works_are_there_by_name(world):
    assert _until_there(world.prompt, {name: world.work(name, name * 2) for name in "ab"}) == {"a": "aa", "b": "bb"}


def test_what_takes_long_is_left_out_and_the_rest_is_there(world):
    world.be_slow("a")

    for _ in range(100):
        done = world.prompt.within({name: world.work(name, name) for name in "ab"})
        assert "a" not in done
        if "b" in done:
            return
    raise AssertionError


def test_an_error_is_raised_to_who_asks_for_the_outcome(world):
    def refuse():
        raise Refused("Reading", ("It is gone.",))

    with pytest.raises(Refused, match="It is gone"):
        _until_there(world.prompt, {"a": refuse})


def test_an_outcome_is_given_once_and_the_next_question_reads_again(world):
    assert _until_there(world.prompt, {"a": world.work("a", 1)}) == {"a": 1}
    assert _until_there(world.prompt, {"a": world.work("a", 2)}) == {"a": 2}


def test_an_outcome_that_came_late_is_for_whoever_asks_next(threads):
    threads.be_slow("a")
    assert threads.prompt.within({"a": threads.work("a", 1)}) == {}
    threads.be_quick()

    assert _until_there(threads.prompt, {"a": threads.work("a", 2)}) == {"a": 1}
    assert threads.begun == ["a"]


def test_an_outcome_for_which_nobody_comes_is_forgotten(threads):
    threads.be_slow("a")
    threads.prompt.within({"a": threads.work("a", 1)})
    late = threads.prompt._begun["a"][0]
    threads.be_quick()
    assert late.result(30) == 1

    threads.now = KEPT_S + 1

    assert _until_there(threads.prompt, {"a": threads.work("a", 2)}) == {"a": 2}


def test_no_more_than_so_many_works_are_begun(threads):
    names = [f"slow {number}" for number in range(MOST_WAITING)]
    for name in names:
        threads.be_slow(name)
    threads.prompt.within({name: threads.work(name, name) for name in names})

    assert threads.prompt.within({"one more": threads.work("one more", 1)}) == {}
    threads.be_quick()
    assert _until_there(threads.prompt, {"one more": threads.work("one more", 2)}) == {"one more": 2}
