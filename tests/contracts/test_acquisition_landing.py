"""What every `Landing` promises."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.acquisition import Column, Landed, Landing, Page, SchemaChange, Table
from handrail.acquisition.adapters.sql_landing import MIGRATIONS, SqlLanding
from handrail.acquisition.domain.pages import sift
from handrail.errors import Conflict, UnknownReference
from handrail.storage import migrate, open_store
from tests.fakes.acquisition import LandingInMemory
from tests.fakes.feedback_store import DATABASES, a_database

AT = datetime(2026, 11, 30, 12, 0, 0, 5, tzinfo=UTC)
SHOP = Table("shop", (Column("id", "whole", True), Column("name", "text")), ("id",))


@pytest.fixture(params=["memory", *DATABASES])
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Landing]:
    if request.param == "memory":
        yield LandingInMemory()
        return
    with a_database(request.param, tmp_path) as url:
        store = open_store(url)
        try:
            migrate(store, "acquisition", MIGRATIONS)
            yield SqlLanding(store)
        finally:
            store.close()


def put(landing, *rows, position=None, before=None, at=AT, table=SHOP, **more):
    landing.agree(table, "memory://rows")
    page = Page(rows, position, **more)
    return landing.append(table.name, page, sift(page, table, at), before)


def test_of_a_table_of_which_nothing_came_nothing_is_known(landing):
    assert landing.table("shop") is None
    assert landing.position("shop") is None
    assert dict(landing.quarantine("shop")) == {}
    manifest, known_at = landing.manifest("shop")
    assert (manifest.rows, known_at) == (0, None)


def test_rows_come_back_by_key_with_what_was_agreed_and_how_far_it_was_read(landing):
    landed = put(landing, {"id": 2, "name": "é\u2028"}, {"id": 1, "name": None}, position={"rows": 2})

    assert landed == Landed(new=2)
    assert landing.table("shop") == SHOP
    assert landing.position("shop") == {"rows": 2}
    assert list(landing.rows("shop")) == [[1, None], [2, "é\u2028"]]
    manifest, known_at = landing.manifest("shop")
    assert (manifest.rows, manifest.source, known_at) == (2, "memory://rows", AT)


def test_what_is_there_already_is_not_kept_again_and_a_correction_is(landing):
    put(landing, {"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    later = AT + timedelta(hours=1)

    landed = put(landing, {"id": 1, "name": "a"}, {"id": 2, "name": "c"}, {"id": 2, "name": "c"}, at=later)

    assert landed == Landed(corrected=1, repeated=2)
    assert list(landing.rows("shop")) == [[1, "a"], [2, "c"]]
    assert list(landing.rows("shop", AT)) == [[1, "a"], [2, "b"]]
    assert list(landing.rows("shop", AT - timedelta(microseconds=1))) == []


def test_a_row_that_returns_to_what_it_was_is_a_correction_too(landing):
    for hour, name in enumerate("aba"):
        put(landing, {"id": 1, "name": name}, at=AT + timedelta(hours=hour))

    assert list(landing.rows("shop")) == [[1, "a"]]
    assert list(landing.rows("shop", AT + timedelta(hours=1))) == [[1, "b"]]


def test_a_message_that_comes_again_after_a_correction_takes_nothing_back(landing):
    put(landing, {"id": 1, "name": "a"}, places=["offset 1"])
    put(landing, {"id": 1, "name": "b"}, places=["offset 2"], at=AT + timedelta(hours=1))

    landed = put(landing, {"id": 1, "name": "a"}, places=["offset 1"], at=AT + timedelta(hours=2))

    assert landed == Landed(repeated=1)
    assert list(landing.rows("shop")) == [[1, "b"]]


def test_of_two_who_read_one_source_the_slower_one_is_refused_and_nothing_of_it_stays(landing):
    put(landing, {"id": 1, "name": "a"}, position={"rows": 1})

    with pytest.raises(Conflict, match="somebody|Somebody|one alone"):
        put(landing, {"id": 2, "name": "b"}, {"id": "x"}, position={"rows": 2}, before=None)

    assert list(landing.rows("shop")) == [[1, "a"]]
    assert landing.position("shop") == {"rows": 1}
    assert dict(landing.quarantine("shop")) == {}


def test_what_is_set_aside_is_kept_once_with_its_reason(landing):
    for _ in range(2):
        put(landing, {"id": "x", "name": "a\0"}, broken=[("{", "no JSON")])

    counted = dict(landing.quarantine("shop"))

    assert counted == {"id is 'x', expected a whole number": 1, "no JSON": 1}


def test_nothing_lands_of_a_table_without_columns(landing):
    page = Page([], {"rows": 0})

    with pytest.raises(UnknownReference):
        landing.append("shop", page, sift(page, SHOP, AT), None)


def test_what_was_agreed_first_stays(landing):
    landing.agree(SHOP, "memory://rows")
    landing.agree(Table("shop", (Column("id", "text"),), ("id",)), "memory://others")

    assert landing.table("shop") == SHOP


def test_a_change_of_columns_is_kept_once(landing):
    landing.agree(SHOP, "memory://rows")

    for hour in range(2):
        landing.note("shop", [SchemaChange("gone", "name")], AT + timedelta(hours=hour))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=12), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_database_agrees_with_the_memory(tmp_path_factory, versions, data):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('landing') / 'acquired.db'}")
    migrate(store, "acquisition", MIGRATIONS)
    both = [SqlLanding(store), LandingInMemory()]
    at = 0
    while at < len(versions):
        size = data.draw(st.integers(1, 4))
        rows = [{"id": key, "name": name} for key, name in versions[at : at + size]]
        landed = [put(each, *rows, at=AT + timedelta(minutes=at)) for each in both]
        assert landed[0] == landed[1]
        at += size
    for as_of in (None, AT, AT + timedelta(minutes=3)):
        assert both[0].manifest("shop", as_of) == both[1].manifest("shop", as_of)
    store.close()
