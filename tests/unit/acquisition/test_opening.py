"""Columns of a source change: it stops, waits, goes on or opens a version, and no row is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.acquisition import Acquiring, Column, OnChange, Page, SchemaChange, Table
from handrail.errors import InvalidInput, Refused
from tests.fakes.acquisition import RowsInMemory, SourceInMemory, VersionsInMemory

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
SHOP = Table("shop", (), ("id",))
OLD = [{"id": number, "price": number / 4} for number in range(8)]
RENAMED = [{"id": number, "cost": number / 4} for number in range(8, 16)]
ALL_OPEN = OnChange("open", "open", "open", "open")
ALL_WAIT = OnChange("wait", "wait", "wait", "wait")


class World:
    """One table's source, rows and versions, over several runs."""

    def __init__(self, rows=OLD, **source):
        self.source = SourceInMemory(list(rows), **({"size": 8} | source))
        self.store, self.versions, self.at = RowsInMemory(), VersionsInMemory(), AT

    def acquiring(self, policy=None, table=SHOP, **more):
        more |= {"on_change": policy} if policy else {}
        return Acquiring(table, self.source, self.store, self.versions, lambda: self.at, **more)

    def run(self, *arguments, **more):
        return self.acquiring(*arguments, **more).run()

    def rows(self, name, as_of=None):
        names = self.store.table(name).names
        return {row[0]: dict(zip(names, row, strict=True)) for row in sorted(self.store.rows(name, as_of))}


@pytest.fixture
def world():
    world = World()
    world.run()
    world.at = LATER
    return world


def test_a_change_that_stops_leaves_the_position_and_offers_the_new_name(world):
    world.source.given += RENAMED
    before = world.store.position("shop")

    with pytest.raises(Refused, match="'cost' may be its new name") as refused:
        world.run()

    assert "handrail sources open shop, if it is so with --renamed price=cost" in str(refused.value)
    assert world.store.position("shop") == before
    assert world.versions.opened("shop") == []
    assert list(world.store.changes("shop")) == [SchemaChange("renamed", "price", "cost")]


def test_a_version_that_a_person_opens_has_every_row_under_the_new_name(world):
    world.source.given += RENAMED
    with pytest.raises(Refused):
        world.run()

    opening = world.acquiring().opening
    opening.open("ann", LATER, opening.noted(), {"price": "cost"}, None)
    acquired = world.run()

    assert acquired.manifest.table == "shop.v2"
    rows = world.rows("shop.v2")
    assert rows == {number: {"id": number, "cost": number / 4} for number in range(16)}
    assert len(world.rows("shop.v2", AT)) == 8, "what was known before is known since then"
    assert len(world.rows("shop")) == 8, "the version before stays"
    (version,) = world.versions.opened("shop")
    assert (version.by, version.renamed, version.carried) == ("ann", {"price": "cost"}, True)


def test_a_new_name_is_never_assumed(world):
    world.source.given += RENAMED

    world.run(ALL_OPEN)

    rows = world.rows("shop.v2")
    assert rows[0] == {"id": 0, "cost": None}
    assert rows[9] == {"id": 9, "cost": 9 / 4}
    assert world.rows("shop")[0]["price"] == 0


def test_a_version_is_opened_by_itself_where_the_file_says_so(world):
    world.source.given += [{"id": number, "price": 1.5, "size": number} for number in range(8, 12)]

    acquired = world.run(OnChange(new="open"))

    assert acquired.changes == (SchemaChange("new", "size", "whole"),)
    assert world.store.table("shop.v2").names == ("id", "price", "size")
    assert [row["size"] for row in world.rows("shop.v2").values()] == [None] * 8 + [8, 9, 10, 11]
    assert world.run(OnChange(new="open")).taken.new == 0
    assert len(world.versions.opened("shop")) == 1


def test_a_retyped_column_has_its_new_type_in_the_next_version(world):
    world.source.given += [{"id": number, "price": f"{number} EUR"} for number in range(8, 16)]

    world.run(OnChange(retyped="open"))

    assert world.store.table("shop.v2").columns[1] == Column("price", "text")
    assert world.rows("shop.v2")[1]["price"] == "0.25"
    assert world.rows("shop.v2")[15]["price"] == "15 EUR"


@pytest.mark.parametrize("column", ["price", "size"])
def test_a_column_may_have_a_choice_of_its_own(world, column):
    world.source.given += [{"id": number, "size": number} for number in range(8, 16)]
    choice = {"price": "go_on", "size": "go_on"} | {column: "stop"}

    with pytest.raises(Refused, match=f"'{column}' is"):
        world.run(OnChange(gone="wait", columns=choice))


def test_rows_that_wait_are_in_the_next_version_as_known_since_they_came(world):
    world.source.given += RENAMED
    waited = world.run(ALL_WAIT)
    assert waited.taken.aside == 8
    assert "waits for a new version" in next(iter(waited.quarantine))
    # What a broker sent does not come again.
    del world.source.given[8:]
    world.at = LATER + timedelta(hours=1)

    opening = world.acquiring().opening
    opening.open("ann", world.at, opening.noted(), {"price": "cost"}, None)

    assert sorted(world.rows("shop.v2")) == list(range(16))
    assert len(world.rows("shop.v2", LATER)) == 16


def test_rows_go_on_waiting_in_the_next_run(world):
    world.source.given += RENAMED
    world.run(ALL_WAIT)
    world.source.given.append({"id": 99, "cost": 1.0})

    assert world.run(ALL_WAIT).taken.aside == 1
    assert 99 not in world.rows("shop")


def test_what_waits_is_kept_whole(world):
    world.source.given.append({"id": 99, "price": 1.0, "text": "x" * 50_000})

    world.run(ALL_WAIT)

    (entry,) = world.store.aside("shop")
    assert len(entry.text) > 50_000


class Broker(SourceInMemory):
    """What was confirmed never comes again; it has no position, and its messages have names."""

    def pages(self, since):
        while (at := len(self.confirmed)) < len(self.given):
            yield Page([self.given[at]], None, places=[f"offset {at}"])


@pytest.mark.parametrize("policy", [ALL_OPEN, ALL_WAIT])
def test_no_message_of_a_broker_is_lost(policy):
    world = World()
    world.source = Broker(list(OLD + RENAMED))

    world.run(OnChange("open", "open", "open", "open") if policy is ALL_OPEN else policy)
    if policy is ALL_WAIT:
        opening = world.acquiring().opening
        opening.open("ann", AT, opening.noted(), {}, None)

    newest = world.versions.opened("shop")[-1]
    rows = world.rows(f"shop.v{newest.number}")
    assert sorted(rows) == list(range(16))
    assert [rows[number]["cost"] for number in range(8, 16)] == [number / 4 for number in range(8, 16)]
    assert [world.rows("shop")[number]["price"] for number in range(8)] == [number / 4 for number in range(8)]


class Stops(Exception):
    pass


class Stopping:
    """The same store, whose process ends after some calls."""

    def __init__(self, store, after):
        self._store, self._left = store, after

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in ("append", "agree", "open", "carried"):
            return found

        def call(*arguments):
            self._left -= 1
            if self._left < 0:
                raise Stops
            return found(*arguments)

        return call


@given(st.lists(st.integers(0, 6), max_size=8), st.booleans())
def test_a_process_that_ends_anywhere_while_a_version_is_opened_loses_and_doubles_nothing(ends, brokered):
    world = World()
    world.run()
    rows = OLD + [each | {"size": 1} for each in ({"id": number, "price": 1.5} for number in range(8, 16))]
    world.source = Broker(list(rows), confirmed=[None] * 8) if brokered else SourceInMemory(list(rows), 3)
    store, versions = world.store, world.versions
    for after in ends:
        world.store, world.versions = Stopping(store, after), Stopping(versions, after // 2)
        try:
            world.run(OnChange(new="open"))
        except Stops:
            continue
    world.store, world.versions = store, versions

    world.run(OnChange(new="open"))

    assert sorted(world.rows("shop.v2")) == list(range(16))
    assert [row["size"] for row in world.rows("shop.v2").values()] == [None] * 8 + [1] * 8
    assert len(store._rows["shop.v2"]) == 16
    assert len(versions.opened("shop")) == 1


def test_rows_of_both_forms_open_no_version_after_another(world):
    texts = [{"id": number, "price": "dear"} for number in range(8, 16)]
    moments = [{"id": number, "price": "2026-11-30T10:00:00Z"} for number in range(16, 24)]
    world.source.given += [*texts, *moments, *OLD]

    world.run(ALL_OPEN)

    assert len(world.versions.opened("shop")) == 1


def test_types_that_go_back_and_forth_are_for_a_person_to_decide():
    world = World([{"id": number, "price": number} for number in range(8)])
    world.run()
    world.source.given += [{"id": number, "price": AT} for number in range(8, 16)]

    with pytest.raises(Refused, match="rows of an earlier version again"):
        world.run(ALL_OPEN)

    assert len(world.rows("shop")) == 8
    assert len(world.versions.opened("shop")) == 1


def test_columns_that_the_file_has_are_those_of_the_version(world):
    wanted = Table("shop", (Column("id", "whole"), Column("price", "text")), ("id",))
    with pytest.raises(InvalidInput, match="handrail sources open shop"):
        world.run(None, wanted)

    world.acquiring().opening.open("ann", LATER, (), {}, wanted)

    assert world.run(None, wanted).manifest.table == "shop.v2"
    assert world.run(None, SHOP).manifest.table == "shop.v2"
    assert world.rows("shop.v2")[1] == {"id": 1, "price": "0.25"}


def test_what_does_not_fit_the_new_version_is_set_aside_in_it_and_stays_in_the_one_before(world):
    wanted = Table("shop", (Column("id", "whole"), Column("price", "whole")), ("id",))

    world.acquiring().opening.open("ann", LATER, (), {}, wanted)

    assert sorted(world.rows("shop.v2")) == [0, 4]
    assert sum(world.store.quarantine("shop.v2").values()) == 6
    assert len(world.rows("shop")) == 8


def test_a_version_needs_a_change_and_rows(world):
    with pytest.raises(InvalidInput, match="no column of its source changed"):
        world.acquiring().opening.open("ann", LATER, (), {}, None)
    with pytest.raises(InvalidInput, match="nothing of it was acquired yet"):
        World().acquiring().opening.open("ann", LATER, (), {}, None)


def test_every_version_of_a_row_is_carried_once_as_known_since_then_though_the_process_ended():
    world = World([])
    for hour, price in enumerate([1.5, 2.5, 1.5]):
        world.at = AT + timedelta(hours=hour)
        world.source.given.append({"id": 1, "price": price})
        world.run()
    opening = world.acquiring().opening
    world.store.note("shop", [SchemaChange("new", "size", "whole")], LATER)
    stopped = World([])
    stopped.store, stopped.versions = Stopping(world.store, 9), Stopping(world.versions, 1)
    with pytest.raises(Stops):
        stopped.acquiring().opening.open("ann", LATER, opening.noted(), {}, None)
    world.source.given.clear()

    world.run()

    assert [row.body for _, row in world.store.history("shop.v2")] == ["[1,1.5,null]", "[1,2.5,null]", "[1,1.5,null]"]
    hours = [AT + timedelta(hours=hour) for hour in range(3)]
    assert [world.rows("shop.v2", hour)[1]["price"] for hour in hours] == [1.5, 2.5, 1.5]
