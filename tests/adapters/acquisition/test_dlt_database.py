"""A table of a real database, with what is committed late under its cursor."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from handrail.acquisition import Acquiring, Table, Taken
from handrail.acquisition.adapters.dlt_database import DltDatabase
from handrail.acquisition.adapters.dlt_modules import without_stand_in
from handrail.acquisition.adapters.yaml_sources import Database
from handrail.errors import Misconfigured, Unavailable
from tests.fakes.acquisition import RowsInMemory, VersionsInMemory
from tests.fakes.feedback_store import DATABASES, a_database

START = datetime(2024, 1, 1)
ORDERS = Table("orders", (), ("id",))
MADE = {
    "at": "create table orders (id integer primary key, at timestamp, version integer, name text)",
    "version": "create table orders (id integer primary key, at timestamp, version bigint, name text)",
}


@pytest.fixture(params=DATABASES)
def url(request, tmp_path):
    with a_database(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=["at", "version"])
def cursor(request):
    return request.param


@pytest.fixture
def shop(url, cursor):
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(MADE[cursor]))
    yield engine
    engine.dispose()


def moment(minute):
    """Return a moment as both databases write it: where Feast is loaded, SQLite takes any other for whole seconds."""
    return str(START + timedelta(minutes=minute))


def add(engine, *minutes, first=None, name="x"):
    numbers = itertools.count(minutes[0] if first is None else first)
    rows = [
        {
            "id": number,
            "at": None if minute is None else moment(minute),
            "version": minute,
            "name": name,
        }
        for number, minute in zip(numbers, minutes, strict=False)
    ]
    with engine.begin() as connection:
        connection.execute(sa.text("insert into orders values (:id, :at, :version, :name)"), rows)


def acquiring(url, cursor, store, overlap=0, page_rows=40, progress=lambda _: None):
    source = DltDatabase(Database(url=url, table="orders", cursor=cursor, overlap=overlap, page_rows=page_rows), url)
    return Acquiring(ORDERS, source, store, VersionsInMemory(), lambda: datetime.now(UTC), progress)


def ids(store):
    return sorted(row[0] for row in store.rows("orders"))


def test_everything_is_read_once_and_then_nothing(shop, url, cursor):
    add(shop, *range(200))
    store = RowsInMemory()

    acquired = acquiring(url, cursor, store).run()

    assert acquired.taken == Taken(new=200)
    assert acquired.manifest.source.endswith("#orders")
    assert acquiring(url, cursor, store).run().taken == Taken()


def test_rows_that_are_committed_late_under_the_cursor_are_all_found(shop, url, cursor):
    add(shop, *range(200))
    store = RowsInMemory()
    acquiring(url, cursor, store).run()
    late = [-500, 3, 77, 77, 150]
    add(shop, *late, first=1_000)
    add(shop, 300, first=2_000)

    acquired = acquiring(url, cursor, store).run()

    assert acquired.taken.new == len(late) + 1
    assert ids(store) == [*range(200), *range(1_000, 1_005), 2_000]
    assert acquired.taken.repeated < 100, "only the ranges that changed are read again"


def test_dlt_alone_leaves_late_rows_out(shop, url, cursor, tmp_path, monkeypatch):
    """The claim needs something to be better than: dlt's own incremental loading, as its page recommends it."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    import dlt
    from dlt.sources.sql_database import sql_table

    without_stand_in()
    add(shop, *range(20))
    pipeline = dlt.pipeline("late", pipelines_dir=str(tmp_path / "dlt"), destination="duckdb", dataset_name="late")
    monkeypatch.chdir(tmp_path)

    def load():
        seen = []
        resource = sql_table(credentials=shop, table="orders", incremental=dlt.sources.incremental(cursor))
        resource.add_map(lambda row: seen.append(row["id"]) or row)
        pipeline.extract(resource)
        return seen

    assert len(load()) == 20
    add(shop, 3, first=1_000)
    add(shop, 30, first=2_000)

    assert 1_000 not in load()


def test_a_row_that_moves_up_is_a_correction_and_a_late_one_in_its_place_is_found(shop, url, cursor):
    add(shop, *range(200))
    store = RowsInMemory()
    acquiring(url, cursor, store).run()
    with shop.begin() as connection:
        connection.execute(
            sa.text(f"update orders set name = 'moved', {cursor} = :to where id = 50"),
            {"to": moment(400) if cursor == "at" else 400},
        )
    add(shop, 51, first=1_000)

    acquired = acquiring(url, cursor, store).run()

    assert (acquired.taken.new, acquired.taken.corrected) == (1, 1)
    assert next(row for row in store.rows("orders") if row[0] == 50)[3] == "moved"


def test_a_value_that_many_rows_share_does_not_stop_at_the_end_of_a_page(shop, url, cursor):
    add(shop, *[5] * 100, first=0)
    store = RowsInMemory()
    acquiring(url, cursor, store).run()
    add(shop, *[5] * 10, first=500)

    acquiring(url, cursor, store).run()

    assert len(ids(store)) == 110


def test_rows_without_a_value_of_the_cursor_are_read_each_time(shop, url, cursor):
    add(shop, None, 1, first=0)
    store = RowsInMemory()

    acquiring(url, cursor, store).run()
    add(shop, None, first=9)
    acquiring(url, cursor, store).run()

    assert ids(store) == [0, 1, 9]


class Stops(Exception):
    pass


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_a_run_that_ends_after_any_page_is_gone_on_with(shop, url, cursor, pages):
    add(shop, *range(200))
    store = RowsInMemory()
    left = iter(range(pages))

    def stop(_taken):
        if next(left, None) is None:
            raise Stops

    with pytest.raises(Stops):
        acquiring(url, cursor, store, progress=stop).run()
    add(shop, 2, first=1_000)

    acquiring(url, cursor, store).run()

    assert ids(store) == [*range(200), 1_000]


def test_rows_that_are_gone_at_the_source_stay_and_are_not_looked_for_again(shop, url, cursor):
    add(shop, *range(200))
    store = RowsInMemory()
    acquiring(url, cursor, store).run()
    with shop.begin() as connection:
        connection.execute(sa.text("delete from orders where id < 5"))

    assert acquiring(url, cursor, store).run().taken.repeated > 0
    assert acquiring(url, cursor, store).run().taken == Taken()
    assert len(ids(store)) == 200


def test_what_is_not_there_is_named(shop, url, cursor):
    for settings, said in (({"table": "nothing"}, "no such table"), ({"cursor": "price"}, "no column 'price'")):
        source = DltDatabase(Database(**{"url": url, "table": "orders", "cursor": cursor} | settings), url)
        with pytest.raises(Misconfigured, match=said):
            list(source.pages(None))


def test_a_text_is_no_cursor_where_the_database_orders_it_its_own_way(shop, url, cursor):
    add(shop, 1)
    source = DltDatabase(Database(url=url, table="orders", cursor="name"), url)

    if shop.dialect.name == "sqlite":
        assert sum(len(page.rows) for page in source.pages(None)) == 1
        return
    with pytest.raises(Misconfigured, match="moments or whole numbers"):
        list(source.pages(None))


def test_a_database_that_is_away_is_one_sentence_without_its_password():
    url = "postgresql://someone:secret@127.0.0.1:9/shop"
    source = DltDatabase(Database(url=url, table="orders", cursor="at"), url)

    with pytest.raises(Unavailable) as err:
        list(source.pages(None))

    assert "secret" not in str(err.value)
    assert "someone" not in source.name
    assert "\n" not in str(err.value)


def test_a_url_that_is_none_is_refused():
    with pytest.raises(Misconfigured, match="SQLAlchemy URL"):
        DltDatabase(Database(url="nothing", table="orders", cursor="at"), "nothing")
