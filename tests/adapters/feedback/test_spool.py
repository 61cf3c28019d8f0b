"""The spool: what was appended is recorded, once, whatever happens to the processes around it."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.errors import Unavailable
from handrail.feedback.adapters import spool_drain
from handrail.feedback.adapters.spool import PredictionSpool
from handrail.feedback.adapters.spool_lines import to_line
from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import a_log, a_prediction

DEADLINE_S = 60


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def spool(folder):
    spool = PredictionSpool(folder)
    yield spool
    spool.close()


def spooled(folder):
    return sorted(folder.glob("*.ndjson"))


def rejected(folder):
    return [json.loads(line) for line in (folder / "rejected.log").read_text().splitlines()]


def test_what_was_appended_is_recorded_as_it_was(spool):
    log, predictions = a_log(), [a_prediction(0), a_prediction(1, latency_ms=None)]
    spool.append(predictions)

    receipt = spool.drain(log.record_predictions)

    assert receipt == Receipt(accepted=2)
    assert [log.find_prediction(each.prediction_id) for each in predictions] == predictions


def test_draining_again_records_only_what_is_new(spool):
    log = a_log()
    spool.append([a_prediction(0)])
    spool.drain(log.record_predictions)
    idle = spool.drain(log.record_predictions)

    spool.append([a_prediction(1)])

    assert idle == Receipt()
    assert spool.drain(log.record_predictions) == Receipt(accepted=1)


def test_a_folder_that_nobody_wrote_to_is_empty(folder):
    assert PredictionSpool(folder).drain(a_log().record_predictions) == Receipt()
    assert not folder.exists()


def test_nothing_to_append_makes_no_file(spool, folder):
    spool.append([])

    assert not folder.exists()


def test_an_interrupted_drain_goes_on_and_records_nothing_twice(spool, folder, monkeypatch):
    monkeypatch.setattr(spool_drain, "CHUNK_BYTES", 1000)
    log = a_log()
    spool.append([a_prediction(number) for number in range(50)])

    class Failing:
        calls = 0

        def record_predictions(self, rows):
            self.calls += 1
            if self.calls == 4:
                raise Unavailable("The store", "it is gone", "Start it.")
            return log.record_predictions(rows)

    with pytest.raises(Unavailable, match="it is gone"):
        spool.drain(Failing().record_predictions)
    before = log.status().predictions
    receipt = spool.drain(log.record_predictions)

    assert 0 < before < 50
    assert receipt == Receipt(accepted=50 - before)


def test_a_lost_offset_costs_work_and_no_prediction(spool, folder):
    log = a_log()
    spool.append([a_prediction(number) for number in range(5)])
    spool.drain(log.record_predictions)

    for offset in folder.glob("*.offset"):
        offset.unlink()

    assert spool.drain(log.record_predictions) == Receipt(repeated=5)


def test_a_torn_last_line_of_a_living_process_waits_for_its_end(spool, folder):
    log = a_log()
    spool.append([a_prediction(0)])
    (file,) = spooled(folder)
    whole = file.read_bytes()
    os.truncate(file, len(whole) - 9)

    torn = spool.drain(log.record_predictions)
    with file.open("ab") as rest:
        rest.write(whole[-9:])

    assert torn == Receipt()
    assert spool.drain(log.record_predictions) == Receipt(accepted=1)


def test_a_torn_last_line_of_an_ended_process_is_set_aside(folder):
    log, spool = a_log(), PredictionSpool(folder)
    spool.append([a_prediction(0), a_prediction(1)])
    spool.close()
    (file,) = spooled(folder)
    os.truncate(file, file.stat().st_size - 9)

    receipt = spool.drain(log.record_predictions)

    assert receipt == Receipt(accepted=1)
    assert [each["file"] for each in rejected(folder)] == [file.name]
    assert spooled(folder) == []


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[1]",
        b"\xff\x00",
        b'{"v": 2, "made_at": "2013-08-01T04:00:00+00:00"}',
        b'{"v": 1, "made_at": "2013-08-01T04:00:00+00:00", "prediction_id": "a"}',
        b'{"v": 1, "made_at": "2013-08-01T04:00:00+00:00", "prediction_id": 7, "deployment": "d", "subject": "s", '
        b'"score": "x", "label": 0}',
        b"[" * 100_000,
    ],
    ids=lambda line: line[:20],
)
def test_a_line_that_cannot_be_read_is_set_aside_and_the_others_are_recorded(spool, folder, line):
    log = a_log()
    spool.append([a_prediction(0)])
    (file,) = spooled(folder)
    with file.open("ab") as handle:
        handle.write(line + b"\n")
    spool.append([a_prediction(1)])

    receipt = spool.drain(log.record_predictions)

    assert receipt == Receipt(accepted=2)
    (entry,) = rejected(folder)
    assert entry["file"] == file.name
    assert spool.drain(log.record_predictions) == Receipt()


def test_files_of_ended_processes_go_and_those_of_living_ones_stay(folder):
    log, living, ended = a_log(), PredictionSpool(folder), PredictionSpool(folder)
    living.append([a_prediction(0)])
    ended.append([a_prediction(1)])
    ended.close()

    living.drain(log.record_predictions)

    assert len(spooled(folder)) == len(list(folder.glob("*.offset"))) == 1
    living.append([a_prediction(2)])
    assert living.drain(log.record_predictions) == Receipt(accepted=1)
    living.close()


def test_a_long_file_is_followed_by_another(folder):
    log, spool = a_log(), PredictionSpool(folder, rotate_bytes=1000)
    for number in range(20):
        spool.append([a_prediction(number)])

    receipt = spool.drain(log.record_predictions)

    assert receipt == Receipt(accepted=20)
    assert len(spooled(folder)) == 1
    spool.close()


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_appends_share_a_file_until_it_is_full(folder, lines):
    spool = PredictionSpool(folder, rotate_bytes=lines * len(to_line(a_prediction(0))))

    for _ in range(2 * lines):
        spool.append([a_prediction(0)])

    assert [len(file.read_text().splitlines()) for file in spooled(folder)] == [lines, lines]
    spool.close()


def test_a_line_longer_than_what_is_read_at_once_is_recorded(spool, monkeypatch):
    log, predictions = a_log(), [a_prediction(number, subject="s" * (number + 1)) for number in range(20)]
    spool.append(predictions)
    monkeypatch.setattr(spool_drain, "CHUNK_BYTES", 10)

    receipt = spool.drain(log.record_predictions)

    assert receipt == Receipt(accepted=20)
    assert [log.find_prediction(each.prediction_id) for each in predictions] == predictions


@pytest.mark.parametrize(
    ("err", "reason"), [(OSError(5, "Input/output error", "x.ndjson"), "Input/output error"), (OSError("odd"), "odd")]
)
@pytest.mark.parametrize("action", ["append", "drain", "close"])
def test_a_disk_that_fails_is_one_sentence_with_the_reason(folder, monkeypatch, action, err, reason):
    spool = PredictionSpool(folder)
    spool.append([a_prediction(0)])

    def fail(*_):
        raise err

    acts = {"append": lambda: spool.append([a_prediction(1)]), "drain": lambda: spool.drain(fail), "close": spool.close}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync" if action == "close" else "write", fail)
        with pytest.raises(Unavailable, match=rf"spool \S+: {reason}\. \w"):
            acts[action]()
    spool.close()


def test_threads_may_append_and_drain_at_the_same_time(folder):
    log, spool, done = a_log(), PredictionSpool(folder, rotate_bytes=5000), threading.Event()
    lock = threading.Lock()

    def record(rows):
        with lock:
            return log.record_predictions(rows)

    def drain():
        while not done.is_set():
            PredictionSpool(folder).drain(record)

    with ThreadPoolExecutor(6) as pool:
        drainers = [pool.submit(drain) for _ in range(2)]
        writers = [
            pool.submit(lambda part: [spool.append([a_prediction(number)]) for number in range(part, 400, 4)], part)
            for part in range(4)
        ]
        for each in writers:
            each.result(DEADLINE_S)
        done.set()
        for each in drainers:
            each.result(DEADLINE_S)
    spool.close()
    spool.drain(log.record_predictions)

    assert log.status().predictions == 400
    assert log.status().conflicts == 0
    assert spooled(folder) == []


def test_a_forked_process_writes_into_a_file_of_its_own(folder):
    log, spool = a_log(), PredictionSpool(folder)
    spool.append([a_prediction(0)])
    child = os.fork()
    if child == 0:
        spool.append([a_prediction(1)])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

    spool.append([a_prediction(2)])

    assert len(spooled(folder)) == 2
    assert spool.drain(log.record_predictions) == Receipt(accepted=3)
    spool.close()


def test_what_a_writer_appends_before_it_ends_is_recorded_however_late_it_comes(folder, monkeypatch):
    log, writer = a_log(), PredictionSpool(folder)
    writer.append([a_prediction(0)])
    read = spool_drain._complete_lines

    def read_then_end(file):
        chunk = read(file)
        if not chunk:
            writer.append([a_prediction(1)])
            writer.close()
            monkeypatch.setattr(spool_drain, "_complete_lines", read)
        return chunk

    monkeypatch.setattr(spool_drain, "_complete_lines", read_then_end)
    drainer = PredictionSpool(folder)

    receipt = drainer.drain(log.record_predictions) + drainer.drain(log.record_predictions)

    assert receipt == Receipt(accepted=2)
    assert not (folder / "rejected.log").exists()
    assert spooled(folder) == []
