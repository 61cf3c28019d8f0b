"""What every `OnlineTable` promises: in memory, and Feast over SQLite and Redis."""

import json
import os
import random
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from feast.types import Int32

from handrail.acquisition import Arrived, Column, Table
from handrail.acquisition.adapters.feast_online_table import FeastOnlineTable
from handrail.errors import Misconfigured, Unavailable
from tests.fakes.acquisition import OnlineInMemory, WatermarksInMemory
from tests.fakes.pushed_project import SOURCE, make_project, objects

REDIS = os.environ.get("HANDRAIL_TEST_REDIS_URL")
START = datetime(2026, 1, 1, tzinfo=UTC)
READINGS = Table(
    "readings",
    (Column("sensor", "text"), Column("at", "moment"), Column("x", "number"), Column("n", "whole")),
    ("sensor", "at"),
    "at",
)


class InMemory:
    def __init__(self):
        self.table = OnlineInMemory()

    def answers(self, *sensors):
        rows = {sensor: self.table.rows.get(sensor, (None, {}))[1] for sensor in sensors}
        return {sensor: (row.get("x"), row.get("n")) for sensor, row in rows.items()}


class InFeast:
    def __init__(self, project):
        self.project, self.table = project, FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory())

    def answers(self, *sensors):
        return self.project.online(*sensors)


@pytest.fixture(params=["memory", "sqlite", *(["redis"] if REDIS else [])])
def online(request, tmp_path):
    if request.param == "memory":
        yield InMemory()
        return
    project = make_project(tmp_path, redis=REDIS if request.param == "redis" else None)
    yield InFeast(project)
    project.close()


def row(number, sensor, second, x, n=0):
    at = START + timedelta(seconds=second)
    body = json.dumps([sensor, at.isoformat(), x, n])
    came = START + timedelta(days=1, microseconds=number)
    return Arrived(number, json.dumps([sensor, at.isoformat()]), body, at, came)


def test_of_rows_of_one_push_the_newest_is_answered(online):
    pushed = online.table.push(READINGS, [row(1, "a", 2, 2.0, 2), row(2, "a", 1, 1.0, 1), row(3, "b", 0, None, None)])

    assert pushed == 2
    assert online.answers("a", "b", "c") == {"a": (2.0, 2), "b": (None, None), "c": (None, None)}


def test_an_older_row_never_replaces_a_newer_one(online):
    online.table.push(READINGS, [row(1, "a", 5, 5.0)])

    pushed = online.table.push(READINGS, [row(2, "a", 4, 4.0), row(3, "b", 1, 1.0)])

    assert pushed == 1
    assert online.answers("a", "b") == {"a": (5.0, 0), "b": (1.0, 0)}


def test_rows_a_millisecond_apart_are_two(online):
    online.table.push(READINGS, [row(1, "a", 5.001, 1.0)])
    online.table.push(READINGS, [row(2, "a", 5.002, 2.0)])
    online.table.push(READINGS, [row(3, "a", 5.0015, 3.0)])

    assert online.answers("a") == {"a": (2.0, 0)}


def test_a_correction_of_the_same_moment_is_taken_and_of_one_push_the_one_that_came_last(online):
    online.table.push(READINGS, [row(1, "a", 5, 1.0)])
    online.table.push(READINGS, [row(3, "a", 5, 3.0), row(2, "a", 5, 2.0)])

    assert online.answers("a") == {"a": (3.0, 0)}


def test_a_reading_without_values_replaces_what_was_there(online):
    online.table.push(READINGS, [row(1, "a", 1, 1.0)])
    online.table.push(READINGS, [row(2, "a", 2, None, None)])

    assert online.answers("a") == {"a": (None, None)}


def test_in_any_order_and_however_often_the_answer_is_the_same(online):
    rows = [row(number, sensor, number % 7, float(number), number) for number in range(30) for sensor in "abc"]
    shuffled = random.Random(7)
    for _ in range(3):
        shuffled.shuffle(rows)
        for begin in range(0, len(rows), 20):
            online.table.push(READINGS, rows[begin : begin + 20])
    newest = [row(100 + place, sensor, 6.5, 0.5, place) for place, sensor in enumerate("abc")]
    online.table.push(READINGS, [*rows[:10], *newest])

    assert online.answers("a", "b", "c") == {"a": (0.5, 0), "b": (0.5, 1), "c": (0.5, 2)}


def test_a_table_without_the_columns_is_refused(online):
    other = Table("others", (Column("at", "moment"), Column("x", "number")), ("at",))

    with pytest.raises(Misconfigured, match="does not have|no column"):
        online.table.push(other, [Arrived(1, "[1]", '["2026-01-01T00:00:00Z", 1.0]', START, START)])


def test_values_that_the_view_does_not_take_are_one_sentence(tmp_path):
    project = make_project(tmp_path)
    table = Table("readings", (Column("sensor", "text"), Column("x", "text"), Column("n", "text")), ("sensor",))

    with pytest.raises(Misconfigured, match="does not take the rows"):
        FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory()).push(
            table, [Arrived(1, '["a"]', '["a", "warm", "many"]', START, START)]
        )


def test_a_value_that_a_field_cannot_hold_leaves_out_its_row_alone(tmp_path):
    said: list[str] = []
    project = make_project(tmp_path, whole=Int32)
    online = FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory(), said.append)
    online.push(READINGS, [row(1, "a", 1, 1.0, 1), row(2, "b", 1, 1.0, 1)])

    # Alone, and beside others; what came before it in the same push is newer than what is stored.
    pushed = [
        online.push(READINGS, [row(3, "a", 5, 5.0, 2**31)]),
        online.push(READINGS, [row(4, "b", 4, 4.0, 4), row(5, "b", 5, 5.0, 2**31), row(6, "c", 1, 6.0, None)]),
        online.push(READINGS, [row(7, "a", 3, 3.0, 3)]),
    ]

    assert pushed == [0, 2, 1]
    assert project.online("a", "b", "c") == {"a": (3.0, 3), "b": (4.0, 4), "c": (6.0, None)}
    assert [each.partition(" of ")[0] for each in said] == ["1", "1"]
    assert "sensor 'b'" in said[1]
    assert "wider type" in said[1]


def test_a_locked_store_is_unavailable_and_takes_the_rows_later(tmp_path):
    project = make_project(tmp_path)
    online = FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory())
    online.push(READINGS, [row(1, "a", 1, 1.0)])
    engine: Any = online._store._get_provider().online_store
    engine._get_conn(online._store.config).execute("pragma busy_timeout = 10")
    holder = sqlite3.connect(project.repository / "online.db", isolation_level=None)
    holder.execute("begin exclusive")

    with pytest.raises(Unavailable, match="locked"):
        online.push(READINGS, [row(2, "a", 2, 2.0)])
    holder.execute("rollback")
    holder.close()
    online.push(READINGS, [row(2, "a", 2, 2.0)])

    assert project.online("a") == {"a": (2.0, 0)}


def test_a_redis_that_is_away_is_unavailable(tmp_path):
    project = make_project(tmp_path)
    text = (project.repository / "feature_store.yaml").read_text()
    written = json.loads(text) | {"online_store": {"type": "redis", "connection_string": "127.0.0.1:9"}}
    (project.repository / "feature_store.yaml").write_text(json.dumps(written))

    with pytest.raises(Unavailable, match="does not answer"):
        FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory()).push(READINGS, [row(1, "a", 1, 1.0)])


def test_what_is_not_there_is_one_sentence(tmp_path):
    project = make_project(tmp_path)

    with pytest.raises(Misconfigured, match="no feature view has a push source 'others'"):
        FeastOnlineTable(project.repository, "others", WatermarksInMemory())
    with pytest.raises(Misconfigured, match=r"Name the folder with feature_store.yaml"):
        FeastOnlineTable(tmp_path / "nowhere", SOURCE, WatermarksInMemory())


def test_moments_by_another_clock_are_refused(tmp_path):
    project = make_project(tmp_path)
    project.store.apply(objects(tmp_path / "acquired", timestamp_field="at"))

    with pytest.raises(Misconfigured, match='Write timestamp_field="known_at"'):
        FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory())


def test_what_others_wrote_online_is_not_replaced_by_what_is_older(tmp_path):
    project = make_project(tmp_path)
    known = pd.Timestamp("2026-01-01T00:00:30Z")
    frame = pd.DataFrame({"sensor": ["a"], "x": [30.0], "n": [30], "known_at": [known], "came_at": [known]})
    project.store.push(SOURCE, frame)

    FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory()).push(READINGS, [row(1, "a", 29, 29.0)])

    assert project.online("a") == {"a": (30.0, 30)}


def test_what_a_crash_left_out_after_it_was_noted_is_pushed_when_it_comes_again(tmp_path):
    project = make_project(tmp_path)
    online = FeastOnlineTable(project.repository, SOURCE, WatermarksInMemory())
    rows = [row(1, "a", 5.5, 1.0), row(2, "a", 5.2, 2.0)]
    provider: Any = online._store._get_provider()
    provider.ingest_df = lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(Unavailable):
        online.push(READINGS, rows)
    del provider.ingest_df

    online.push(READINGS, rows[1:])
    online.push(READINGS, rows)

    assert project.online("a") == {"a": (1.0, 0)}
