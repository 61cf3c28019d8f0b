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
        ([ROW | {"size": 3}], [SchemaChange("new", "size")]),
        (without("price"), [SchemaChange("gone", "price")]),
        (without("price", cost=2.5), [SchemaChange("renamed", "price", "cost")]),
        (without("price", size="large"), [SchemaChange("gone", "price"), SchemaChange("new", "size")]),
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


def test_only_a_new_column_takes_nothing_away():
    kinds = [SchemaChange(kind, "c", "d") for kind in ("new", "gone", "renamed", "retyped")]

    assert [each.stops for each in kinds] == [False, True, True, True]
    assert all("'c'" in str(each) for each in kinds)
