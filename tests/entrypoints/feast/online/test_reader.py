"""A store that is away, late or hangs: features are lacking, and the answer comes in time."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from feast.protos.feast.types.Value_pb2 import Value
from feast.value_type import ValueType

from handrail.entrypoints.feast.online.any_rows import AnyRows
from handrail.entrypoints.feast.online.plan import Plan, Stored
from handrail.entrypoints.feast.online.reader import AGAIN_AFTER_S, OnlineReader
from handrail.entrypoints.feast.online.redis_rows import RedisRows
from handrail.entrypoints.feast.online.rows import Row, Rows, RowSource, Wanted
from handrail.entrypoints.feast.online.sqlite_rows import SqliteRows
from handrail.errors import Unavailable
from handrail.readings import Lack, Reading, Why, lacking_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WITHIN_S = 0.05
PATIENCE_S = 5.0
"""A reading that was to end within `WITHIN_S` did not hang; a busy machine may take longer than that."""
STORED = Stored(
    view=SimpleNamespace(name="weather", projection=SimpleNamespace(version_tag=None)),
    keys=("town",),
    key_types=(ValueType.STRING,),
    features=("temp", "wind"),
    kinds=("double_val", "double_val"),
    fresh_s=3600.0,
    expected=True,
    defaults={"wind": 3.0},
)
PLAN = Plan((STORED,), ())
ASKED = {"town": ["bonn", "köln"]}


class Source(RowSource):
    """Answers, or raises what it is given; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.error = 0, None

    def read(self, wanted: Wanted) -> Rows:
        self.asked += 1
        if self.error is not None:
            raise self.error
        row = Row(NOW.timestamp() - 60, (20.5, 4.0))
        return {stored.name: {key: row for key in keys} for stored, keys in wanted}


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def config(**online: Any) -> Any:
    section = SimpleNamespace(**online)
    return SimpleNamespace(
        config=SimpleNamespace(project="p", entity_key_serialization_version=3, online_store=section)
    )


def without(reading: Reading, why: Why) -> bool:
    """Say whether all stored features are lacking for that reason, with their defaults in place."""
    lack = (Lack("weather", why, ("temp", "wind"), ("wind",)),)
    return (reading.columns, reading.lacks) == ({"temp": [None, None], "wind": [3.0, 3.0]}, {0: lack, 1: lack})


@pytest.mark.parametrize(
    ("error", "why"), [(Unavailable("It", "gone", "Wait."), Why.AWAY), (TimeoutError("slow"), Why.LATE)]
)
def test_a_store_in_trouble_costs_features_and_is_asked_again_later(error: Exception, why: Why) -> None:
    source, clock = Source(), Clock()
    reader = OnlineReader(PLAN, source, now=clock)
    source.error = error

    troubled = [reader.read(ASKED, NOW) for _ in range(3)]
    asked_then, source.error, clock.at = source.asked, None, clock.at + AGAIN_AFTER_S
    after = reader.read(ASKED, NOW)

    assert all(without(each, why) for each in troubled)
    assert (asked_then, source.asked) == (1, 2)
    assert (after.columns["temp"], dict(after.lacks)) == ([20.5, 20.5], {})


def test_rows_are_counted_with_the_newest_moment_of_their_values() -> None:
    counted: list[tuple[int, float]] = []

    OnlineReader(PLAN, Source(), lambda rows, newest: counted.append((rows, newest))).read(ASKED, NOW)

    assert counted == [(2, NOW.timestamp() - 60)]


def test_a_sqlite_file_that_is_not_there_is_away(tmp_path: Path) -> None:
    reader = OnlineReader(PLAN, SqliteRows(config(), tmp_path / "none.db", WITHIN_S))

    assert without(reader.read(ASKED, NOW), Why.AWAY)


def test_a_sqlite_file_that_a_writer_locks_is_late(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("create table p_weather (entity_key blob, feature_name text, value blob, event_ts timestamp)")
        writer.execute("begin exclusive")
        reader = OnlineReader(PLAN, SqliteRows(config(), path, WITHIN_S))
        began = time.monotonic()

        reading = reader.read(ASKED, NOW)

        assert without(reading, Why.LATE)
        assert time.monotonic() - began < PATIENCE_S


def write_temperature(path: Path, source: SqliteRows, value: bytes) -> None:
    """Put another file in the place of the database."""
    beside = path.with_name("beside.db")
    with closing(sqlite3.connect(beside, isolation_level=None)) as writer:
        writer.execute("create table p_weather (entity_key blob, feature_name text, value blob, event_ts timestamp)")
        key = source._encode(STORED, ("bonn",))
        writer.execute("insert into p_weather values (?, 'temp', ?, ?)", (key, value, int(NOW.timestamp())))
    beside.replace(path)


def test_a_sqlite_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    source = SqliteRows(config(), tmp_path / "online.db", WITHIN_S)
    found = []
    for number in (1.0, 2.0):
        write_temperature(tmp_path / "online.db", source, Value(double_val=number).SerializeToString())
        row = source.read([(STORED, [("bonn",)])])["weather"][("bonn",)]
        found.append(row.values if row else None)

    assert found == [(1.0, None), (2.0, None)]


@contextmanager
def listening(answers: bool) -> Iterator[int]:
    """Give the port of a server that takes connections and never answers; or of none."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        if answers:
            server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(("answers", "why"), [(True, Why.LATE), (False, Why.AWAY)])
def test_a_redis_that_does_not_answer_or_is_not_there(answers: bool, why: Why) -> None:
    with listening(answers) as port:
        reader = OnlineReader(PLAN, RedisRows(config(connection_string=f"127.0.0.1:{port},db=0"), WITHIN_S))
        began = time.monotonic()

        reading = reader.read(ASKED, NOW)

    assert without(reading, why)
    assert time.monotonic() - began < PATIENCE_S


def test_a_store_of_another_make_that_hangs_is_late_until_it_answers_again() -> None:
    goes_on, clock = threading.Event(), Clock()

    class Hanging:
        def online_read(self, config: Any, view: Any, keys: Any, features: Any) -> Any:
            assert goes_on.wait(60)
            return [(None, None) for _ in keys]

    reader = OnlineReader(PLAN, AnyRows(config(), Hanging(), WITHIN_S), now=clock)
    began = time.monotonic()
    hanging = reader.read(ASKED, NOW)
    took_s = time.monotonic() - began
    clock.at += AGAIN_AFTER_S
    again = reader.read(ASKED, NOW)
    goes_on.set()

    assert without(hanging, Why.LATE)
    assert without(again, Why.LATE)
    assert took_s < PATIENCE_S
    deadline = time.monotonic() + 60
    while not without(reader.read(ASKED, NOW), Why.MISSING):
        clock.at += AGAIN_AFTER_S
        assert time.monotonic() < deadline


def test_lacks_make_one_text_whatever_their_order() -> None:
    lacks = [Lack("b", Why.AWAY, ("x",)), Lack("c", Why.STALE, ("y",)), Lack("a", Why.AWAY, ("z",))]

    assert lacking_text(lacks) == lacking_text(lacks[::-1]) == "away:a,b;stale:c"
    assert lacking_text([Lack("v" * 400 + str(n), Why.AWAY, ()) for n in range(9)]) == "away:9 views"
    assert lacking_text([]) == ""
