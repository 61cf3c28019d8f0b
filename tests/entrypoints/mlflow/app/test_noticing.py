"""The thread that writes notices: it begins with everything, goes on after mistakes, and ends."""

import time
from threading import Event

from handrail.approvals.service.notices import Due
from handrail.entrypoints.mlflow.app.noticing import keep_writing

DEADLINE_S = 20


class Written:
    """Notices of which the first cannot be written by a mistake of ours."""

    def __init__(self):
        self.due, self.calls = Due(), []

    def begin(self):
        self.calls.append("begin")
        self.due.add(["first"])

    def write(self):
        self.calls.append(tuple(self.due.take()))
        if len(self.calls) == 2:
            raise RuntimeError("a mistake")


def _until(condition):
    deadline, pause = time.monotonic() + DEADLINE_S, Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def test_it_begins_with_everything_and_goes_on_after_a_mistake():
    notices = Written()

    ended = keep_writing(notices, together_s=0)
    assert _until(lambda: len(notices.calls) == 2)
    notices.due.add(["second"])
    assert _until(lambda: len(notices.calls) == 3)
    ended.set()
    notices.due.add(["third"])

    assert notices.calls == ["begin", ("first",), ("second",)]
