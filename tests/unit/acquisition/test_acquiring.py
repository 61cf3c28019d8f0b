"""Reading a source to its end: nothing lost, nothing doubled, wherever it ends in between."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.acquisition import Acquiring, Column, Page, SchemaChange, Table, Taken
from handrail.acquisition.domain.pages import sift
from handrail.errors import InvalidInput, Refused, Unavailable
from tests.fakes.acquisition import RowsInMemory, SourceInMemory, VersionsInMemory

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHOP = Table("shop", (), ("id",))
ROWS = [{"id": number, "name": f"n{number}"} for number in range(7)]


def acquiring(source, store, table=SHOP, **more):
    return Acquiring(table, source, store, VersionsInMemory(), lambda: AT, **more)


def test_a_table_without_columns_takes_those_of_its_first_page():
    store = RowsInMemory()

    acquired = acquiring(SourceInMemory(ROWS), store).run()

    assert store.table("shop").columns == (Column("id", "whole"), Column("name", "text"))
    assert acquired.manifest.rows == 7
    assert acquired.known_at == AT
    assert acquired.watermark == {"rows": 7}
    assert acquired.taken == Taken(new=7)


def test_the_next_run_goes_on_where_the_last_one_ended():
    source, store = SourceInMemory(list(ROWS)), RowsInMemory()
    acquiring(source, store).run()
    source.given.append({"id": 9, "name": "n9"})

    assert acquiring(source, store).run().taken == Taken(new=1)
    assert acquiring(source, store).run().taken == Taken()


class Stops(Exception):
    pass


@given(st.lists(st.sampled_from(["append", "confirm", "none"]), max_size=30), st.integers(0, 3), st.integers(1, 3))
def test_a_run_that_ends_anywhere_loses_and_doubles_nothing(ends, again, size):
    source, store = SourceInMemory(list(ROWS), size, again), RowsInMemory()
    for end in [*ends, "none"]:
        broken = SourceInMemory(source.given, size, again)
        stopped = StoreStopping(store, end)
        if end == "confirm":
            broken.confirm = stopped.stop
        try:
            acquiring(broken, stopped).run()
        except Stops:
            continue

    assert [row[0] for row in store.rows("shop")] == [row["id"] for row in ROWS]
    assert len(store._rows["shop"]) == len(ROWS)


class StoreStopping:
    """The same store, whose process ends before a page is kept, if so asked."""

    def __init__(self, store, end):
        self._store, self._end = store, end

    def __getattr__(self, name):
        return getattr(self._store, name)

    def append(self, *arguments):
        if self._end == "append":
            raise Stops
        return self._store.append(*arguments)

    def stop(self, _page):
        raise Stops


def test_a_page_is_confirmed_once_it_is_kept():
    source, store = SourceInMemory(ROWS[:3]), RowsInMemory()

    acquiring(source, store).run()

    assert [len(page.rows) for page in source.confirmed] == [2, 1]


class Forgets(SourceInMemory):
    """A broker: what was confirmed never comes again."""

    def pages(self, since):
        while len(self.confirmed) < len(self.given):
            yield Page([self.given[len(self.confirmed)]], None)


def test_what_could_not_be_kept_was_not_confirmed_and_comes_again():
    source, store = Forgets(ROWS[:3]), RowsInMemory()
    with pytest.raises(Stops):
        acquiring(source, StoreStopping(store, "append")).run()
    assert source.confirmed == []

    acquiring(source, store).run()

    assert [row[0] for row in store.rows("shop")] == [0, 1, 2]


def test_columns_that_are_gone_stop_it_and_what_was_accepted_stays():
    rows = [*ROWS[:2], *({"id": number} for number in range(2, 20))]
    source, store = SourceInMemory(rows), RowsInMemory()

    with pytest.raises(Refused, match="the column 'name' is gone") as refused:
        acquiring(source, store).run()

    assert "--go-on" in str(refused.value)
    assert store.manifest("shop")[0].rows == 6
    assert list(store.changes("shop")) == [SchemaChange("gone", "name")]
    went_on = acquiring(source, store, go_on=True).run()
    assert went_on.manifest.rows == 20
    assert went_on.changes == (SchemaChange("gone", "name"),)


def test_a_new_column_is_recorded_and_nothing_stops():
    rows = [*ROWS[:2], {"id": 3, "name": "c", "size": 1}]

    acquired = acquiring(SourceInMemory(rows), RowsInMemory()).run()

    assert acquired.changes == (SchemaChange("new", "size", "whole"),)
    assert acquired.manifest.rows == 3


def test_other_columns_than_were_agreed_need_another_name():
    store = RowsInMemory()
    acquiring(SourceInMemory(ROWS), store).run()

    with pytest.raises(InvalidInput, match="handrail sources open shop, or give it another name"):
        acquiring(SourceInMemory(ROWS), store, Table("shop", (Column("id", "text"),), ("id",))).run()


def test_a_key_that_no_row_has_is_refused_with_the_columns_that_are_there():
    with pytest.raises(InvalidInput, match="no column 'number'. Write one of: id, name"):
        acquiring(SourceInMemory(ROWS), RowsInMemory(), Table("shop", (), ("number",))).run()


def test_a_clock_ahead_makes_nothing_known_later_than_it_came():
    table = Table("shop", (), ("id",), known="at")
    rows = [{"id": 1, "at": AT + timedelta(days=1)}, {"id": 2, "at": AT - timedelta(days=1)}, {"id": 3, "at": None}]
    store = RowsInMemory()

    acquiring(SourceInMemory(rows, size=3), store, table).run()

    assert [row[0] for row in store.rows("shop", AT)] == [1, 2, 3]
    assert [row[0] for row in store.rows("shop", AT - timedelta(hours=1))] == [2]


def test_progress_is_reported_after_each_page():
    seen = []

    acquiring(SourceInMemory(ROWS), RowsInMemory(), progress=seen.append).run()

    assert [each.new for each in seen] == [2, 4, 6, 7]


def test_a_source_that_goes_away_leaves_what_was_accepted():
    store = RowsInMemory()

    class Goes(SourceInMemory):
        def pages(self, since):
            yield from list(super().pages(since))[:1]
            raise Unavailable("memory://rows", "it went away", "Wait.")

    with pytest.raises(Unavailable):
        acquiring(Goes(ROWS), store).run()
    assert store.manifest("shop")[0].rows == 2


def test_rows_to_which_a_broker_gave_one_name_are_each_known_since_they_came_in_the_next_version_too():
    store, later = RowsInMemory(), AT + timedelta(hours=1)
    table = Table("shop", (Column("id", "whole"), Column("name", "text")), ("id",))
    store.agree(table, "memory://rows")
    for at, row in zip([AT, later], ROWS, strict=False):
        page = Page([row], None, places=["offset 0"])
        store.append("shop", page, sift(page, table, at), None)
    opening = acquiring(SourceInMemory(), store).opening

    opening.open("ann", later, [SchemaChange("new", "size", "whole")], {}, None)

    known = {row.body: (row.known_at, row.place) for _, row in store.history("shop.v2")}
    assert known == {'[0,"n0",null]': (AT, "offset 0"), '[1,"n1",null]': (later, "offset 0")}


POISON = [
    {"id": 1, "\ud800": 1},
    {"id": 1, "a\0b": 1},
    {"id": 1, "a" * 401: 1},
    {"id": 1} | {f"c{number}": 1 for number in range(201)},
]


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("poison", POISON[:3])
def test_a_row_with_a_name_that_cannot_be_kept_is_set_aside_and_the_rest_goes_on(poison, declared):
    store, columns = RowsInMemory(), (Column("id", "whole"), Column("name", "text"))
    source = SourceInMemory([poison | {"name": "x"}, *ROWS], size=2)

    acquired = acquiring(source, store, Table("shop", columns if declared else (), ("id",))).run()

    assert (acquired.taken.new, acquired.taken.aside, acquired.changes) == (7, 1, ())
    assert all("name of a column" in reason for reason in acquired.quarantine)
    assert source.confirmed[0].rows[0] == poison | {"name": "x"}


def test_a_page_that_has_nothing_but_rows_to_set_aside_ends_nothing():
    store = RowsInMemory()
    table = Table("shop", (Column("id", "whole"), Column("name", "text")), ("id",))

    acquired = acquiring(SourceInMemory([POISON[0], *ROWS], size=1), store, table).run()

    assert (acquired.taken.new, acquired.taken.aside) == (7, 1)


def test_no_more_new_columns_are_noted_than_two_hundred():
    store = RowsInMemory()
    new = [{"id": number + 10, "name": "x", f"c{number}": 1} for number in range(205)]

    acquired = acquiring(SourceInMemory([*ROWS, POISON[3], *new], size=7), store).run()

    assert (acquired.taken.new, acquired.taken.aside) == (207, 6)
    assert len(store.changes("shop")) == 200
    assert list(acquired.quarantine) == [
        "it has new columns, and 200 are noted already: open a new version of the table"
    ]


@pytest.mark.parametrize("columns", [(), (Column("id", "whole"), Column("at", "text"))])
def test_what_is_no_moment_where_the_table_has_since_when_it_is_known_is_set_aside(columns):
    store = RowsInMemory()
    rows = [{"id": number, "at": at} for number, at in enumerate(["2026-11-30T10:00:00Z", "soon", "later", "then"])]

    acquired = acquiring(SourceInMemory(rows, size=4), store, Table("shop", columns, ("id",), "at")).run()

    assert (acquired.taken.new, acquired.taken.aside) == (1, 3)
    assert acquired.known_at == AT - timedelta(hours=2)
    assert "at is 'soon', expected a moment such as 2026-11-30T10:00:00Z" in acquired.quarantine


def test_a_moment_before_the_year_one_ends_nothing():
    rows = [{"id": 1, "at": "0001-01-01T00:00:00+14:00"}]

    assert acquiring(SourceInMemory(rows), RowsInMemory()).run().taken.new == 1
