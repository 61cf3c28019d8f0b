"""Consumers as processes: killed, asked to stop, sharing, and while broker or store are away."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.entrypoints.cli.feedback_consume.test_reading import KINDS, a_prediction, an_outcome, as_json
from tests.fakes.effort import TIMES
from tests.fakes.feedback_store import DATABASES, a_database
from tests.fakes.lost_connection import a_gate
from tests.fakes.streams import DEADLINE_S, REAL, a_broker, until

KILLS = 2 if TIMES == 1 else 100
MESSAGES = 300
RECOVERED_S = 10
COMMAND = (sys.executable, "-c", "from handrail.entrypoints.cli import main; main()", "feedback", "consume")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    return tmp_path


@pytest.fixture(params=REAL)
def broker(request, tmp_path):
    with a_broker(request.param, tmp_path) as broker:
        yield broker


@contextmanager
def consumers(project, broker, database, *more):
    """Lend a function that starts a consumer; what still runs is killed afterwards."""
    begun = []
    may = ("--may", "report", "--may", "predict", "--source", "desk", "--again-after", "1")
    environment = os.environ | {"HANDRAIL_PROJECT": str(project), "HANDRAIL_DATABASE_URL": database}

    def begin():
        command = [*COMMAND, broker.url, "--stream", broker.name, *may, *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen(command, env=environment, **pipes))
        return begun[-1]

    try:
        yield begin
    finally:
        for each in begun:
            each.kill()
            each.communicate(timeout=DEADLINE_S)


def held(url):
    """Return the ids of all predictions and events, each as often as it is there."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            made = connection.execute(sa.text("select prediction_id from feedback_prediction")).scalars().all()
            return made, connection.execute(sa.text("select event_id from feedback_event")).scalars().all()
    except sa.exc.DBAPIError:
        return [], []


def send(broker, count, start=0):
    """Send predictions and outcomes in turn."""
    said = [an_outcome(n, event_id=f"e{n}") if n % 2 else a_prediction(n) for n in range(start, start + count)]
    broker.send_all(map(as_json, said))


def is_whole(url, count):
    made, said = held(url)
    return len(made) + len(said) >= count


def assert_each_once(url, count):
    made, said = held(url)
    assert sorted(made) == sorted(f"p{number}" for number in range(0, count, 2))
    assert sorted(said) == sorted(f"e{number}" for number in range(1, count, 2))


def stop(consumer):
    """Ask a consumer to stop; return its exit code, results and messages."""
    consumer.send_signal(signal.SIGTERM)
    printed, said = consumer.communicate(timeout=DEADLINE_S)
    return consumer.returncode, printed, said


def test_consumers_killed_amid_batches_lose_and_double_nothing(project, broker):
    chance, url = random.Random(7), f"sqlite:///{project / 'handrail.db'}"
    send(broker, MESSAGES)
    with consumers(project, broker, url, "--batch", "7") as begin:
        for kill in range(KILLS):
            before = sum(map(len, held(url)))
            consumer = begin()
            until(lambda before=before: sum(map(len, held(url))) > before, "a first batch")
            # Any moment of a batch.
            time_s = chance.random() / 50
            deadline = time.monotonic() + time_s
            until(lambda deadline=deadline: time.monotonic() > deadline)
            os.kill(consumer.pid, signal.SIGKILL)
            consumer.wait(DEADLINE_S)
            send(broker, 10, MESSAGES + 10 * kill)
        total = MESSAGES + 10 * KILLS
        last = begin()
        until(lambda: is_whole(url, total), "all rows")
        until(lambda: not broker.unacknowledged(), "all acknowledgements")
        code, _, said = stop(last)

    assert_each_once(url, total)
    assert (code, said) == (0, "")


def test_two_consumers_share_a_stream_and_end_with_0_when_they_are_asked(project, broker):
    with a_database(DATABASES[-1], project) as url, consumers(project, broker, url, "--batch", "5", "--json") as begin:
        both = [begin(), begin()]
        send(broker, 200)
        until(lambda: is_whole(url, 200), "all rows")
        until(lambda: not broker.unacknowledged(), "all acknowledgements")
        ended = [stop(each) for each in both]

        assert_each_once(url, 200)
    assert [code for code, *_ in ended] == [0, 0]
    assert [said for *_, said in ended] == ["", ""]


def test_a_broker_that_was_stopped_is_found_again_by_itself(project, broker):
    url = f"sqlite:///{project / 'handrail.db'}"
    with consumers(project, broker, url) as begin:
        send(broker, 20)
        consumer = begin()
        until(lambda: is_whole(url, 20), "the first rows")
        broker.stop()
        said = consumer.stderr.readline()
        broker.start()
        began = time.monotonic()
        send(broker, 20, 20)
        until(lambda: is_whole(url, 40), "the other rows")
        took = time.monotonic() - began
        code, _, rest = stop(consumer)

    assert "does not answer" in said
    assert "Traceback" not in said + rest
    assert "It is there again" in rest
    assert took < RECOVERED_S
    assert code == 0
    assert_each_once(url, 40)


if "postgresql" in DATABASES:

    def test_a_store_that_was_away_is_found_again_by_itself(project, broker):
        with a_database("postgresql", project) as url, a_gate(sa.make_url(url)) as (gate, through):
            with consumers(project, broker, through) as begin:
                consumer = begin()
                send(broker, 20)
                until(lambda: is_whole(url, 20), "the first rows")
                gate.shut()
                send(broker, 20, 20)
                said = consumer.stderr.readline()
                gate.open()
                began = time.monotonic()
                until(lambda: is_whole(url, 40), "the other rows")
                took = time.monotonic() - began
                until(lambda: not broker.unacknowledged(), "all acknowledgements")
                code, _, rest = stop(consumer)

            assert_each_once(url, 40)
        assert "Messages stay in the stream; this goes on by itself." in said
        assert "It is there again" in rest
        assert took < RECOVERED_S
        assert code == 0
