"""What every `RowStore` promises."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.acquisition import Column, Page, RowStore, SchemaChange, Table, Taken
from handrail.acquisition.adapters.sql_row_store import MIGRATIONS, SqlRowStore
from handrail.acquisition.adapters.sql_watermarks import SqlWatermarks
from handrail.acquisition.domain.pages import sift
from handrail.errors import Conflict, UnknownReference
from handrail.storage import migrate, open_store
from tests.fakes.acquisition import RowsInMemory, WatermarksInMemory
from tests.fakes.feedback_store import DATABASES, a_migrated_store

AT = datetime(2026, 11, 30, 12, 0, 0, 5, tzinfo=UTC)
SHOP = Table("shop", (Column("id", "whole", True), Column("name", "text")), ("id",))


@pytest.fixture(params=["memory", *DATABASES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RowStore]:
    if request.param == "memory":
        yield RowsInMemory()
        return
    with a_migrated_store(request.param, tmp_path, "acquisition", MIGRATIONS) as store:
        yield SqlRowStore(store)


def put(store, *rows, position=None, before=None, at=AT, table=SHOP, **more):
    store.agree(table, "memory://rows")
    page = Page(rows, position, **more)
    return store.append(table.name, page, sift(page, table, at), before)


def test_of_a_table_of_which_nothing_came_nothing_is_known(store):
    assert store.table("shop") is None
    assert store.position("shop") is None
    assert dict(store.quarantine("shop")) == {}
    manifest, known_at = store.manifest("shop")
    assert (manifest.rows, known_at) == (0, None)


def test_rows_come_back_by_key_with_what_was_agreed_and_how_far_it_was_read(store):
    taken = put(store, {"id": 2, "name": "é\u2028"}, {"id": 1, "name": None}, position={"rows": 2})

    assert taken == Taken(new=2)
    assert store.table("shop") == SHOP
    assert store.position("shop") == {"rows": 2}
    assert list(store.rows("shop")) == [[1, None], [2, "é\u2028"]]
    manifest, known_at = store.manifest("shop")
    assert (manifest.rows, manifest.source, known_at) == (2, "memory://rows", AT)


def test_what_is_there_already_is_not_kept_again_and_a_correction_is(store):
    put(store, {"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    later = AT + timedelta(hours=1)

    taken = put(store, {"id": 1, "name": "a"}, {"id": 2, "name": "c"}, {"id": 2, "name": "c"}, at=later)

    assert taken == Taken(corrected=1, repeated=2)
    assert list(store.rows("shop")) == [[1, "a"], [2, "c"]]
    assert list(store.rows("shop", AT)) == [[1, "a"], [2, "b"]]
    assert list(store.rows("shop", AT - timedelta(microseconds=1))) == []


def test_a_name_of_a_message_that_a_broker_gives_again_is_no_repeat_of_another_reading(store):
    put(store, {"id": 1, "name": "a"}, {"id": 2, "name": "b"}, places=["1", "2"])

    taken = put(store, {"id": 3, "name": "c"}, {"id": 2, "name": "d"}, {"id": 3, "name": "c"}, places=["1", "2", "1"])
    again = put(store, {"id": 2, "name": "b"}, {"id": 1, "name": "a"}, places=["2", "1"])

    assert (taken, again) == (Taken(new=1, corrected=1, repeated=1), Taken(repeated=2))
    assert list(store.rows("shop")) == [[1, "a"], [2, "d"], [3, "c"]]


def test_a_row_that_returns_to_what_it_was_is_a_correction_too(store):
    for hour, name in enumerate("aba"):
        put(store, {"id": 1, "name": name}, at=AT + timedelta(hours=hour))

    assert list(store.rows("shop")) == [[1, "a"]]
    assert list(store.rows("shop", AT + timedelta(hours=1))) == [[1, "b"]]


def test_a_message_that_comes_again_after_a_correction_takes_nothing_back(store):
    put(store, {"id": 1, "name": "a"}, places=["offset 1"])
    put(store, {"id": 1, "name": "b"}, places=["offset 2"], at=AT + timedelta(hours=1))

    taken = put(store, {"id": 1, "name": "a"}, places=["offset 1"], at=AT + timedelta(hours=2))

    assert taken == Taken(repeated=1)
    assert list(store.rows("shop")) == [[1, "b"]]


def test_of_two_who_read_one_source_the_slower_one_is_refused_and_nothing_of_it_stays(store):
    put(store, {"id": 1, "name": "a"}, position={"rows": 1})

    with pytest.raises(Conflict, match="somebody|Somebody|one alone"):
        put(store, {"id": 2, "name": "b"}, {"id": "x"}, position={"rows": 2}, before=None)

    assert list(store.rows("shop")) == [[1, "a"]]
    assert store.position("shop") == {"rows": 1}
    assert dict(store.quarantine("shop")) == {}


def test_what_is_set_aside_is_kept_once_with_its_reason(store):
    for _ in range(2):
        put(store, {"id": "x", "name": "a\0"}, broken=[("{", "no JSON")])

    counted = dict(store.quarantine("shop"))

    assert counted == {"id is 'x', expected a whole number": 1, "no JSON": 1}


def test_nothing_lands_of_a_table_without_columns(store):
    page = Page([{"id": 1, "name": "a"}], {"rows": 1})

    with pytest.raises(UnknownReference):
        store.append("shop", page, sift(page, SHOP, AT), None)
    assert (list(store.rows("shop")), store.position("shop")) == ([], None)


def test_what_could_not_be_read_before_the_first_row_is_set_aside_and_no_position_is_kept(store):
    page = Page([], {"rows": 0}, [("{", "no JSON")])

    taken = [store.append("shop", page, sift(page, Table("shop", (), ("id",)), AT), None) for _ in range(2)]

    assert [each.aside for each in taken] == [1, 0]
    assert dict(store.quarantine("shop")) == {"no JSON": 1}
    assert (store.position("shop"), store.table("shop")) == (None, None)


def test_what_was_agreed_first_stays(store):
    store.agree(SHOP, "memory://rows")
    store.agree(Table("shop", (Column("id", "text"),), ("id",)), "memory://others")

    assert store.table("shop") == SHOP


def test_a_change_of_columns_is_kept_once_with_when_it_was_first_seen(store):
    store.agree(SHOP, "memory://rows")
    assert dict(store.changes("shop")) == {}

    for hour in range(2):
        store.note("shop", [SchemaChange("gone", "name")], AT + timedelta(hours=hour))
    store.note("shop", [SchemaChange("new", "age")], AT + timedelta(hours=2))

    assert dict(store.changes("shop")) == {
        SchemaChange("gone", "name"): AT,
        SchemaChange("new", "age"): AT + timedelta(hours=2),
    }


def test_the_history_has_each_version_of_each_row_and_what_was_set_aside_when_it_came(store):
    put(store, {"id": 1, "name": "a"}, {"id": "x"}, places=["offset 1", "offset 2"])
    later = AT + timedelta(hours=1)
    put(store, {"id": 1, "name": "b"}, {"id": "y"}, at=later)

    history = list(store.history("shop"))

    assert [(number, row.body, row.known_at, row.place) for number, row in history] == [
        (1, '[1,"a"]', AT, "offset 1"),
        (2, '[1,"b"]', later, ""),
    ]
    assert [(each.text, each.place, each.at) for each in store.aside("shop")] == [
        ('{"id": "x"}', "offset 2", AT),
        ('{"id": "y"}', "", later),
    ]
    assert list(store.history("nothing")) == []
    assert list(store.aside("nothing")) == []


def test_the_history_may_be_read_while_rows_are_written(store):
    put(store, *({"id": number, "name": "a"} for number in range(3)))

    for number, _row in store.history("shop"):
        put(store, {"id": number + 10, "name": "b"}, table=Table("other", SHOP.columns, ("id",)))

    assert len(list(store.rows("other"))) == 3


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=12), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_database_agrees_with_the_memory(tmp_path_factory, versions, data):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'acquired.db'}")
    migrate(store, "acquisition", MIGRATIONS)
    both = [SqlRowStore(store), RowsInMemory()]
    at = 0
    while at < len(versions):
        size = data.draw(st.integers(1, 4))
        rows = [{"id": key, "name": name} for key, name in versions[at : at + size]]
        taken = [put(each, *rows, at=AT + timedelta(minutes=at)) for each in both]
        assert taken[0] == taken[1]
        at += size
    for as_of in (None, AT, AT + timedelta(minutes=3)):
        assert both[0].manifest("shop", as_of) == both[1].manifest("shop", as_of)
    store.close()


def test_the_newest_version_of_each_key_is_the_one_known_since_last(store):
    known = Table("shop", (Column("id", "whole", True), Column("at", "moment")), ("id",), "at")
    times = ["2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z", "2026-01-01T00:00:01Z"]
    for at in times:
        put(store, {"id": 1, "at": at}, {"id": 2, "at": times[0]}, table=known)

    found = store.newest("shop", ["[2]", "[1]", "[1]", "[3]"])

    assert [(each.number, each.key, each.known_at.second) for each in found] == [(2, "[2]", 2), (3, "[1]", 3)]
    assert store.newest("shop", []) == []


def test_versions_come_back_as_they_came_and_never_at_the_same_moment(store):
    put(store, {"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    put(store, {"id": 1, "name": "c"}, at=AT - timedelta(hours=1))
    put(store, {"id": 3, "name": "d"}, at=AT + timedelta(hours=1))

    found = store.arrived("shop", 0, 10)

    assert [(each.number, each.body) for each in found] == [
        (1, '[1,"a"]'),
        (2, '[2,"b"]'),
        (3, '[1,"c"]'),
        (4, '[3,"d"]'),
    ]
    came = [each.came_at for each in found]
    assert all(before < after for before, after in itertools.pairwise(came))
    assert [each.known_at for each in found] == [AT, AT, AT - timedelta(hours=1), AT + timedelta(hours=1)]
    assert store.arrived("shop", 1, 2) == found[1:3]
    assert store.arrived("others", 0, 2) == []


@pytest.fixture(params=["memory", *DATABASES])
def watermarks(request, tmp_path):
    if request.param == "memory":
        yield WatermarksInMemory()
        return
    with a_migrated_store(request.param, tmp_path, "acquisition", MIGRATIONS) as store:
        yield SqlWatermarks(store)


def test_watermarks_only_grow_and_each_place_has_its_own(watermarks):
    second = timedelta(seconds=1)
    watermarks.note("here", {"a": (AT, AT), "b": (AT, AT)})
    watermarks.note("here", {"a": (AT - second, AT + second), "b": (AT, AT + second)})
    watermarks.note("there", {"a": (AT + second, AT)})

    assert watermarks.noted("here", ["a", "b", "c"]) == {"a": (AT, AT), "b": (AT, AT + second)}
    assert watermarks.noted("there", ["a"]) == {"a": (AT + second, AT)}
    assert watermarks.noted("there", []) == {}
