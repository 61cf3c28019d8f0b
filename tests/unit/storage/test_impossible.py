"""Values that no column can have been given, planted past Handrail in tables of each type."""

import math
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from handrail.feedback.adapters.sql_tables import Moment
from handrail.storage.impossible import FIRST_MOMENT, LAST_MOMENT, MOST_ROWS, SIGNED, ImpossibleValue, find_impossible
from tests.fakes.lineage_stores import KINDS, a_store

metadata = sa.MetaData()
THING = sa.Table(
    "thing",
    metadata,
    sa.Column("id", sa.BigInteger),
    sa.Column("name", sa.Text),
    sa.Column("at", Moment),
    sa.Column("score", sa.Double),
    sa.Column("standing", sa.Boolean),
    sa.Column("body", sa.LargeBinary),
    sa.Column("label", sa.Integer, info=SIGNED),
    sa.Column("revision", sa.Integer),
)
GONE = sa.Table("gone", sa.MetaData(), sa.Column("id", sa.Integer))
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
WELL = {"id": 3, "name": "one", "at": NOON, "score": -0.5, "standing": True, "body": b"b", "label": -1, "revision": 0}


@pytest.fixture(params=KINDS)
def connection(request):
    with a_store(request.param) as store, store.write() as connection:
        metadata.create_all(connection)
        connection.execute(sa.insert(THING), [WELL, WELL | dict.fromkeys(WELL)])
        yield connection


@pytest.fixture
def in_sqlite():
    """A database that takes any value in any column."""
    with a_store("sqlite") as store, store.write() as connection:
        metadata.create_all(connection)
        connection.execute(sa.insert(THING), [WELL])
        yield connection


def plant(connection, column, value):
    connection.exec_driver_sql(f'update thing set "{column}" = {value} where id = 3')


def found(connection):
    return [(each.row, each.column) for each in find_impossible(connection, [GONE, THING])]


def test_what_can_have_been_recorded_is_well(connection):
    assert found(connection) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", FIRST_MOMENT - 1),
        ("at", LAST_MOMENT + 1),
        ("at", 2**63 - 1),
        ("id", -1),
        ("id", -(2**63)),
        ("revision", -1),
    ],
)
def test_a_time_out_of_range_and_a_negative_id_are_found(connection, column, value):
    plant(connection, column, value)

    assert found(connection) == [("name 'one'", column)]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinity_is_found_and_what_is_no_number_where_the_database_keeps_it(connection, value):
    connection.execute(sa.update(THING).where(THING.c.id == 3).values(score=value))

    is_kept = not math.isnan(value) or not isinstance(connection.dialect, sqlite.dialect)
    assert found(connection) == ([("name 'one'", "score")] if is_kept else [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((column, value) for column in ("id", "at", "label") for value in ("'text'", "x'ff'", "1.5", "9e999", "''")),
        *(("score", value) for value in ("'text'", "x'ff'")),
        *(("standing", value) for value in ("2", "-1", "'text'", "x'ff'", "0.5")),
        *(("body", value) for value in ("'text'", "7", "1.5")),
        ("name", "x'ff'"),
        ("name", "'a' || char(0)"),
    ],
)
def test_a_value_of_another_type_is_found(in_sqlite, column, value):
    plant(in_sqlite, column, value)

    ((row, named),) = found(in_sqlite)

    assert (row, named) == ("id 3" if column == "name" else "name 'one'", column)


def test_the_sentence_says_what_and_where_and_is_short(in_sqlite):
    plant(in_sqlite, "id", f"'{'x' * 500}'")

    (only,) = find_impossible(in_sqlite, [THING])

    assert only == ImpossibleValue("thing", "name 'one'", "id", "'" + "x" * 79 + "...")
    assert only.sentence.startswith("its id is 'xxx")


def test_a_damaged_table_is_not_listed_to_its_end(in_sqlite):
    in_sqlite.execute(sa.insert(THING), [WELL | {"id": -2}] * (MOST_ROWS + 20))

    assert len(found(in_sqlite)) == MOST_ROWS
