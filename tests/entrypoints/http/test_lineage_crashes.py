"""Killed processes: nothing acknowledged is lost, nothing is half applied, nothing stays unsent, order stays."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from handrail.bootstrap.lineage_events import open_intake
from tests.fakes.effort import TIMES
from tests.fakes.lineage_events import a_dataset, a_run_event, a_run_id
from tests.fakes.lineage_receiver import receiving
from tests.fakes.lineage_server import a_platform
from tests.fakes.lineage_stores import dump

ROOT = Path(__file__).resolve().parents[3]
HANDRAIL = str(Path(sys.executable).with_name("handrail"))
BOT = "actor://service/airflow"
RUNS, STEPS, DEADLINE_S = 6, 20, 60


def events(step):
    """One batch: an event of each run; run n makes what run n + 1 reads."""
    state = "START" if step == 0 else "COMPLETE" if step == STEPS - 1 else "RUNNING"
    return [
        a_run_event(
            run,
            state,
            [a_dataset(f"d{run - 1}", str(step))],
            [a_dataset(f"d{run}", str(step))],
            eventTime=f"2024-01-05T10:{step:02}:{run:02}Z",
        )
        for run in range(1, RUNS + 1)
    ]


SENDER = """
import sys
from pathlib import Path
from handrail.bootstrap.lineage_events import open_intake
from tests.entrypoints.http.test_lineage_crashes import BOT, STEPS, events
from tests.fakes.lineage_server import a_platform
platform = a_platform(Path(sys.argv[1]))
intake = open_intake(platform.settings, platform.store)
for step in range(STEPS):
    intake.receive(events(step), BOT)
    print(step, flush=True)
"""


def a_project(folder, url="http://127.0.0.1:9/"):
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("repository: shop\n")
    (folder / "config" / "lineage.yaml").write_text(f"version: 1\nsinks: {{marquez: {{url: '{url}'}}}}\n")
    return a_platform(folder)


def take(platform, steps):
    intake = open_intake(platform.settings, platform.store)
    for step in steps:
        intake.receive(events(step), BOT)


def kills():
    """Return after how many batches an intake is killed, and how many ms later; `make soak` has more of them."""
    chance = random.Random(4)
    some = [(chance.randrange(STEPS - 2), chance.uniform(0, 20)) for _ in range(min(2 * TIMES, 100))]
    return [(0, 0), (3, 0), (8, 0), *some]


@pytest.mark.parametrize(("after", "later_ms"), kills())
def test_an_intake_that_is_killed_loses_nothing_and_leaves_nothing_half_done(tmp_path, after, later_ms):
    killed, whole = a_project(tmp_path / "killed"), a_project(tmp_path / "whole")
    child = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(tmp_path / "killed")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    acknowledged = [int(child.stdout.readline()) for _ in range(after + 1)]
    threading.Timer(later_ms / 1000, child.kill).start()
    acknowledged += [int(line) for line in child.communicate(timeout=DEADLINE_S)[0].split()]

    held = dump(killed.store)
    stored = len(held["lineage_event"]) // RUNS
    take(whole, range(stored))
    assert stored >= len(acknowledged) > after
    assert held == dump(whole.store), "the batches that were stored are stored wholly, the others not at all"

    take(killed, range(STEPS))
    take(whole, range(STEPS))
    assert dump(killed.store) == dump(whole.store)
    killed.close()
    whole.close()


def forwarder(folder, *options):
    environment = os.environ | {"HANDRAIL_PROJECT": str(folder), "HANDRAIL_HOME": str(folder / ".handrail")}
    return subprocess.Popen(
        [HANDRAIL, "lineage", "forward", *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_forwarder_that_is_killed_loses_nothing_and_keeps_the_order_of_each_run(tmp_path):
    with receiving() as (receiver, url):
        platform = a_project(tmp_path, url)
        take(platform, range(STEPS))
        receiver.answers = [201, 503, 201, 201, 500]

        for seen in (3, 40, 85) if TIMES == 1 else range(3, RUNS * STEPS, 4):
            child = forwarder(tmp_path, "--follow")
            receiver.wait_for(seen)
            child.send_signal(signal.SIGKILL)
            child.communicate(timeout=DEADLINE_S)
        last = forwarder(tmp_path, "--json")
        out, _ = last.communicate(timeout=DEADLINE_S)

    assert last.returncode == 0
    assert json.loads(out)["queues"] == []
    sent = list(dict.fromkeys(json.dumps(event, sort_keys=True) for event in receiver.events))
    assert len(sent) == RUNS * STEPS
    for run in range(1, RUNS + 1):
        times = [event["eventTime"] for event in map(json.loads, sent) if event["run"]["runId"] == a_run_id(run)]
        assert times == sorted(times)
    platform.close()


def test_a_receiver_that_is_not_there_is_one_sentence_and_all_waits(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    platform = a_project(tmp_path, url)
    take(platform, range(2))

    child = forwarder(tmp_path)
    out, error = (text.decode() for text in child.communicate(timeout=DEADLINE_S))

    assert child.returncode == 1
    assert "marquez: 12 wait, 0 refused" in out
    assert "stopped" in error
    assert "Traceback" not in error
    platform.close()
