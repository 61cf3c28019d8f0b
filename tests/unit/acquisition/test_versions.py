"""What the next version of a table is, and which of several choices decides."""

import pytest

from handrail.acquisition import Column, OnChange, SchemaChange, Table
from handrail.acquisition.domain.versions import described
from handrail.errors import InvalidInput

CHANGES = (SchemaChange("renamed", "a", "c"), SchemaChange("gone", "id"), SchemaChange("new", "number", "whole"))
TABLE = Table("shop", (Column("id", "whole", True), Column("a", "text"), Column("at", "moment")), ("id",), "at")


def test_a_key_may_have_another_name():
    made = described(TABLE, CHANGES, {"id": "number", "a": "c"}, "shop.v2")

    assert made == Table(
        "shop.v2", (Column("number", "whole", True), Column("c", "text"), Column("at", "moment")), ("number",), "at"
    )


@pytest.mark.parametrize(
    ("changes", "renamed", "said"),
    [
        (CHANGES, {}, "its column 'id' is gone"),
        (CHANGES[:1], {"a": "d"}, "a=d is not one that is gone and one that is new. Gone are: a; new are: c"),
        ((SchemaChange("gone", "at"),), {}, "its column 'at' is gone"),
    ],
)
def test_what_cannot_be_a_version_is_refused(changes, renamed, said):
    with pytest.raises(InvalidInput, match=said):
        described(TABLE, changes, renamed, "shop.v2")


def test_of_several_changes_the_gravest_choice_decides():
    policy = OnChange("open", "go_on", "wait", "stop", {"b": "wait"})
    new, gone, retyped = (SchemaChange(kind, "a") for kind in ("new", "gone", "retyped"))

    assert policy.gravest([gone, new]) == "open"
    assert policy.gravest([new, gone, retyped]) == "stop"
    assert policy.gravest([SchemaChange("retyped", "b"), gone]) == "wait"
    assert policy.gravest([]) == "go_on"
