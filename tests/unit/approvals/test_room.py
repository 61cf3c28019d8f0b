"""How far a value is from the bounds of its rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.evidence import Found, Level
from handrail.approvals.domain.policy import Measured, Rule
from handrail.approvals.domain.room import measured_json, room_of


def _measured(value, level=Level.RECOMPUTED, **bounds):
    return Measured(Rule("evaluation.auc", level=Level.RECOMPUTED, **bounds), Found(value, level, "the gate"), None)


@pytest.mark.parametrize(
    ("value", "bounds", "room"),
    [
        (0.75, {"at_least": 0.74}, 0.01),
        (0.73, {"at_least": 0.74}, -0.01),
        (0.75, {"at_most": 0.9}, 0.15),
        (0.75, {"at_least": 0.74, "at_most": 0.755}, 0.005),
        (0, {"equals": 0}, None),
        (True, {"at_least": 0}, None),
        (math.nan, {"at_least": 0}, None),
        (10**400, {"at_least": 0}, None),
        ("0.8", {"at_least": 0}, None),
    ],
)
def test_room_is_the_way_to_the_nearest_bound(value, bounds, room):
    found = room_of(_measured(value, **bounds))

    assert found == (room if room is None else pytest.approx(room))


def test_what_is_unknown_or_less_trusted_has_none():
    assert room_of(Measured(Rule("evaluation.auc", at_least=0.7), None, "it is not there")) is None
    assert room_of(_measured(0.75, Level.CLAIMED, at_least=0.74)) is None


def test_a_rule_is_shown_with_its_bounds_and_what_is_known():
    shown = measured_json(_measured(0.75, at_least=0.7, because="worth serving"))

    assert (shown["value"], shown["at_least"], shown["at_most"], shown["because"]) == (0.75, 0.7, None, "worth serving")
    assert (shown["level"], shown["wanted"], shown["met"]) == ("recomputed", "recomputed", True)
    assert shown["room"] == pytest.approx(0.05)


@given(value=st.floats(-1e9, 1e9), least=st.floats(-1e9, 1e9), most=st.floats(-1e9, 1e9))
def test_it_is_below_zero_exactly_where_a_bound_is_broken(value, least, most):
    room = room_of(_measured(value, at_least=least, at_most=most))

    assert (room < 0) is (value < least or value > most)
