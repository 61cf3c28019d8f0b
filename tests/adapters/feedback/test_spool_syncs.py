"""What the spool promises of its disk: what was answered is synced, and a failure to sync is never silent."""

import errno
import os
import threading
import time
from typing import ClassVar

import pytest

from handrail.errors import Unavailable
from handrail.feedback.adapters import spool as spool_module
from handrail.feedback.adapters.spool import PredictionSpool
from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import a_log, a_prediction

pytestmark = pytest.mark.any_version

DEADLINE_S = 60


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def spooled(folder):
    return sorted(folder.glob("*.ndjson"))


@pytest.fixture
def disk(monkeypatch):
    """What the spool does with its disk: the calls that sync, and whether they fail."""

    class Disk:
        fails = False
        called = threading.Event()
        synced: ClassVar[list[int]] = []

    sync = os.fdatasync

    def fdatasync(fd):
        Disk.synced.append(os.fstat(fd).st_size)
        Disk.called.set()
        if Disk.fails:
            raise OSError(errno.EIO, "Input/output error")
        sync(fd)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return Disk


def test_a_failed_sync_in_the_background_is_reported_at_the_end_and_nothing_more_is_taken(folder, disk):
    spool = PredictionSpool(folder)
    disk.fails = True
    spool.append([a_prediction(0)])
    assert disk.called.wait(DEADLINE_S)

    with pytest.raises(Unavailable, match="Input/output error. A power cut may lose"):
        spool.close()
    disk.fails = False

    with pytest.raises(Unavailable, match="The answer was not given"):
        spool.append([a_prediction(1)])
    assert len(spooled(folder)) == 1
    spool.close()


def test_after_a_failed_sync_no_answer_is_given(folder, disk):
    spool = PredictionSpool(folder)
    disk.fails = True
    spool.append([a_prediction(0)])
    assert disk.called.wait(DEADLINE_S)
    disk.fails, deadline = False, time.monotonic() + DEADLINE_S

    def append_until_refused():
        while time.monotonic() < deadline:
            spool.append([a_prediction(1)])

    with pytest.raises(Unavailable, match="The answer was not given"):
        append_until_refused()
    with pytest.raises(Unavailable):
        spool.append([a_prediction(2)])


def test_a_full_file_that_cannot_be_synced_is_followed_by_no_other(folder, disk):
    spool = PredictionSpool(folder, rotate_bytes=1)
    spool.append([a_prediction(0)])
    disk.fails = True

    for number in (1, 2):
        with pytest.raises(Unavailable, match="Input/output error"):
            spool.append([a_prediction(number)])

    assert len(spooled(folder)) == 1


def test_closing_syncs_what_was_appended_last(folder, disk, monkeypatch):
    monkeypatch.setattr(spool_module, "SYNC_WITHIN_S", 2 * DEADLINE_S)
    spool = PredictionSpool(folder)
    spool.append([a_prediction(0)])
    (file,) = spooled(folder)

    spool.close()

    assert disk.synced[-1] == file.stat().st_size
    assert disk.synced.count(file.stat().st_size) == 2


def test_a_failed_last_sync_is_reported_and_the_file_may_still_be_drained(folder, disk):
    spool, log = PredictionSpool(folder), a_log()
    spool.append([a_prediction(0)])
    disk.fails = True
    with pytest.raises(Unavailable):
        spool.close()

    assert PredictionSpool(folder).drain(log.record_predictions) == Receipt(accepted=1)
    assert spooled(folder) == []
