"""Processes that record feedback from many threads until they are killed, and what they were acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback import Feedback, Prediction
from handrail.storage import open_store

ROOT = Path(__file__).resolve().parents[2]
THREADS, DEADLINE_S = 8, 60
MADE = datetime(2026, 11, 1, tzinfo=UTC)
STARTER = "from tests.fakes.killed_writers import start; start()"


def a_call(name):
    """Return the rows of one call: a prediction and two events about it, all named by the call."""
    said = [Feedback(name, "rating", float(n), "desk", n, MADE, MADE, event_id=f"{name}-{n}") for n in range(2)]
    return [Prediction(name, "deploy://l/f/1", name, MADE, 0.5, 0), *said]


def start():
    """Fork a writer for each line of the input, `url name calls`; print its process id.

    A fork takes milliseconds where a new interpreter takes seconds. Without a number of calls it writes until killed.
    """
    for line in sys.stdin:
        url, name, calls = line.split()
        child = os.fork()
        if child == 0:
            write(url, name, int(calls))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def write(url, name, calls):
    """Record calls from several threads; append the name of each to a file once it is acknowledged."""
    store = open_store(url)
    intake = feedback_stores(store).intake
    acknowledged = os.open(f"{name}.acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def one(thread):
        number = 0
        while not calls or number < calls:
            call = f"{Path(name).name}-{thread}-{number}"
            intake.keep(a_call(call))
            os.write(acknowledged, f"{call}\n".encode())
            number += 1

    threads = [threading.Thread(target=one, args=(thread,)) for thread in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@contextmanager
def a_starter():
    """Lend a function that starts a writer and returns its process id."""
    command = [sys.executable, "-c", STARTER]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    assert process.stdin is not None
    assert process.stdout is not None
    ask, answers = process.stdin, process.stdout

    def begin(url, name, calls=0):
        ask.write(f"{url} {name} {calls}\n")
        ask.flush()
        return int(answers.readline())

    try:
        yield begin
    finally:
        ask.close()
        answers.close()
        process.wait(DEADLINE_S)


def acknowledged(name):
    """Return the names of the calls that were acknowledged."""
    file = Path(f"{name}.acknowledged")
    return file.read_text().splitlines() if file.exists() else []


def wait_for_acknowledged(name, count):
    """Return once so many calls were acknowledged."""
    deadline = time.monotonic() + DEADLINE_S
    while len(acknowledged(name)) < count:
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
