"""Columns of a source that are no longer what they were."""

import pytest

from handrail.acquisition import Column, SchemaChange, Table
from handrail.acquisition.domain.changes import changes

SHOP = Table("shop", (Column("id", "whole"), Column("name", "text"), Column("price", "number")), ("id",))
ROW = {"id": 1, "name": "a", "price": 1.5}


def without(name, **more):
    return [{key: value for key, value in ROW.items() if key != name} | more] * 6


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([ROW], []),
        ([], []),
        ([ROW | {"size": 3}], [SchemaChange("new", "size", "whole")]),
        (without("price"), [SchemaChange("gone", "price")]),
        (without("price", cost=2.5), [SchemaChange("renamed", "price", "cost")]),
        (without("price", size="large"), [SchemaChange("gone", "price"), SchemaChange("new", "size", "text")]),
        ([ROW | {"price": "dear"}] * 6, [SchemaChange("retyped", "price", "text")]),
        ([ROW | {"price": "dear"}] * 4, []),
        ([ROW | {"price": "dear"}] * 6 + [ROW], []),
        ([ROW | {"price": None}] * 6, []),
        ([{"id": 1, "name": "a"}, ROW], []),
        ([{"id": 1, "name": "a"}] * 4, []),
    ],
)
def test_each_change_is_named(rows, found):
    assert list(changes(SHOP, rows)) == found


def test_each_change_names_its_column():
    kinds = [SchemaChange(kind, "c", "d") for kind in ("new", "gone", "renamed", "retyped")]

    assert all("'c'" in str(each) for each in kinds)


BEFORE = [{"id": number, "name": f"n{number}", "price": number / 4, "city": "Oslo"} for number in range(40)]
WIDE = Table("shop", (*SHOP.columns, Column("city", "text")), ("id",))


def now(**more):
    return [{"id": number + 40} | {name: make(number) for name, make in more.items()} for number in range(20)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (
            now(price=lambda at: at / 3, label=lambda at: f"n{at}", town=lambda _: "Oslo"),
            [SchemaChange("renamed", "name", "label"), SchemaChange("renamed", "city", "town")],
        ),
        (
            now(price=lambda at: at / 3, city=lambda _: "Oslo", remark=lambda at: f"seen {at} times, by two"),
            [SchemaChange("gone", "name"), SchemaChange("new", "remark", "text")],
        ),
        (
            now(name=lambda at: f"n{at}", city=lambda _: "Oslo", weight=lambda at: 500.5 + at),
            [SchemaChange("gone", "price"), SchemaChange("new", "weight", "number")],
        ),
        (
            now(name=lambda at: f"n{at}", city=lambda _: "Oslo", cost=lambda at: at / 3),
            [SchemaChange("renamed", "price", "cost")],
        ),
        (
            now(name=lambda at: f"n{at}", city=lambda _: "Oslo", cost=lambda at: at / 3 if at % 2 else None),
            [SchemaChange("gone", "price"), SchemaChange("new", "cost", "number")],
        ),
    ],
)
def test_a_new_name_is_suggested_where_type_and_values_are_alike(rows, found):
    assert list(changes(WIDE, rows, (), lambda: BEFORE)) == found


def test_rows_of_before_are_asked_for_only_where_a_name_may_be_new():
    def before():
        raise AssertionError

    changes(SHOP, without("price"), (), before)
    changes(SHOP, [ROW | {"size": 3}], (), before)


def test_a_row_shows_the_change_for_which_it_waits():
    shown = {each.kind: each.shown_by({"a": 1, "b": 2}) for each in map(SchemaChange, ("new", "gone"), ("a", "c"))}

    assert shown == {"new": True, "gone": True}
    assert SchemaChange("renamed", "c", "b").shown_by({"b": 1})
    assert not SchemaChange("gone", "a").shown_by({"a": 1})
    assert not SchemaChange("new", "c").shown_by({"a": 1})
    assert not SchemaChange("retyped", "a", "text").shown_by({"a": 1})
