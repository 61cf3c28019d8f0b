"""The spool when disks fail and processes are killed: what was acknowledged stays, what cannot be kept is refused."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from handrail.errors import Unavailable
from handrail.feedback.adapters.spool import PredictionSpool
from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import a_log, a_prediction

pytestmark = pytest.mark.any_version

DEADLINE_S = 60

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from handrail.feedback.adapters.spool import PredictionSpool
from handrail.feedback import Prediction
spool = PredictionSpool(Path(sys.argv[1]), rotate_bytes=20_000)
number = 0
while True:
    names = [f"{sys.argv[2]}-{number + one}" for one in range(2)]
    spool.append([Prediction(name, "deploy://l/f/1", name, datetime(2013, 8, 1, tzinfo=UTC), 0.5, 0) for name in names])
    print(*names, sep="\\n", flush=True)
    number += 2
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def spooled(folder):
    return sorted(folder.glob("*.ndjson"))


def rejected(folder):
    return [json.loads(line) for line in (folder / "rejected.log").read_text().splitlines()]


def test_what_is_appended_is_synced_soon(folder, monkeypatch):
    synced = threading.Event()
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (real(fd), synced.set())[0])
    spool = PredictionSpool(folder)

    spool.append([a_prediction()])

    assert synced.wait(DEADLINE_S)
    spool.close()


def test_a_spool_that_cannot_sync_takes_no_more(folder, monkeypatch):
    def fail(_fd):
        raise OSError(5, "Input/output error")

    spool = PredictionSpool(folder)
    monkeypatch.setattr(os, "fdatasync", fail)

    with pytest.raises(Unavailable, match="Input/output error"):
        append_until_refused(spool)


def append_until_refused(spool):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        spool.append([a_prediction()])


def test_a_full_disk_refuses_the_answer_and_spoils_no_later_one(folder, monkeypatch):
    # Python would leave compiled modules that end in the middle.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    log, spool = a_log(), PredictionSpool(folder)
    spool.append([a_prediction(0)])
    size = spooled(folder)[0].stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    held = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
    try:
        with pytest.raises(Unavailable, match="The answer was not given"):
            spool.append([a_prediction(1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, held)

    spool.append([a_prediction(2)])

    assert spool.drain(log.record_predictions) == Receipt(accepted=2)
    assert len(rejected(folder)) == 1
    spool.close()


def test_nothing_acknowledged_is_lost_when_processes_are_killed(folder):
    log, acknowledged = a_log(), []
    for turn in range(2):
        writers = [_start_writer(folder, f"{turn}-{part}") for part in range(2)]
        for writer in writers:
            acknowledged += [writer.stdout.readline().strip() for _ in range(150 + 37 * turn)]
            PredictionSpool(folder).drain(log.record_predictions)
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            # What it had printed before it died was acknowledged too; a line without its end was not.
            acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
            writer.stdout.close()
            assert writer.wait(DEADLINE_S) == -signal.SIGKILL

    PredictionSpool(folder).drain(log.record_predictions)

    assert len(acknowledged) >= 600
    assert all(log.find_prediction(each) for each in acknowledged)
    assert spooled(folder) == []


def _start_writer(folder, name):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], stdout=subprocess.PIPE, text=True)
