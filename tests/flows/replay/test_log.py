from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.steps.replay.log import Batch, Position, ReplayLog

NOON = datetime(2013, 8, 8, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> ReplayLog:
    return ReplayLog(tmp_path / "replay")


def test_before_the_first_replay_there_is_no_place(log: ReplayLog) -> None:
    assert log.position() is None
    assert log.batches() == []


def test_a_place_is_read_as_it_was_kept(log: ReplayLog) -> None:
    position = Position("deploy://local/flights/1", ("2013-08-08",), NOON, None)

    log.save_position(position)

    assert log.position() == position


def test_of_a_repeated_hour_the_last_answer_counts(log: ReplayLog) -> None:
    later = NOON + timedelta(hours=1)
    log.add_batch(Batch(later, 0, 5.0))
    log.add_batch(Batch(NOON, 0, 7.0))
    log.add_batch(Batch(NOON, 2, 9.0))

    assert log.batches() == [Batch(NOON, 2, 9.0), Batch(later, 0, 5.0)]


def test_half_a_line_of_a_killed_replay_spoils_no_other(log: ReplayLog, tmp_path: Path) -> None:
    log.add_batch(Batch(NOON, 0, 7.0))
    with (tmp_path / "replay" / "batches.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"hour": "2013-08-08T13')

    log.add_batch(Batch(NOON + timedelta(hours=2), 0, 6.0))

    assert [batch.latency_ms for batch in log.batches()] == [7.0, 6.0]


def test_online_features_are_kept_an_hour_once(log: ReplayLog) -> None:
    log.add_online(NOON, ["a"], {"temp": [1.5]})
    log.add_online(NOON, ["a"], {"temp": [None]})

    (kept,) = log.online()
    assert kept["columns"] == {"temp": [None]}


def test_a_restart_forgets_everything(log: ReplayLog) -> None:
    log.save_position(Position("deploy://local/flights/1", (), NOON, NOON))
    log.add_batch(Batch(NOON, 0, 7.0))

    log.restart()

    assert log.position() is None
    assert log.batches() == []


def test_what_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    hour = NOON.isoformat()
    batch = {"hour": hour, "flights": 12, "failures": 1, "latency_ms": 7.0}
    online = {"hour": hour, "flights": ["a"], "columns": {"temp": [1.0]}}
    (tmp_path / "batches.jsonl").write_text(json.dumps(batch), encoding="utf-8")
    (tmp_path / "online.jsonl").write_text(json.dumps(online), encoding="utf-8")

    log = ReplayLog(tmp_path)

    assert log.batches() == [Batch(NOON, 1, 7.0)]
    assert log.online() == [{"hour": hour, "subjects": ["a"], "columns": {"temp": [1.0]}}]
