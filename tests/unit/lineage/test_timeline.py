"""Timelines: periods follow from moves, names may be given by their end, permits say who allowed it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail.errors import UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.graph import Pointer
from handrail.lineage.domain.timeline import match_name, periods
from tests.fakes.lineage import PERMIT, VERSION, open_in_memory, story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALIAS, OTHER = "mlflow alias flights@champion", "mlflow alias hotels@champion"


@pytest.fixture
def lineage():
    opened = open_in_memory()
    for call in story(Path()):
        call(opened)
    opened.point(ALIAS, VERSION, NOON, by=PERMIT.uri)
    opened.point(ALIAS, VERSION, NOON + HOUR, by="actor://s/repeats")
    opened.point(ALIAS, "mlflow://registry/registered/flights/17/2", NOON + 2 * HOUR, by="actor://s/bob")
    opened.point(ALIAS, None, NOON + 3 * HOUR, by="actor://s/ann")
    return opened


def test_each_reign_ends_where_the_next_begins(lineage):
    first, second, last = lineage.timeline(ALIAS)

    assert (first.target, first.since, first.until) == (VERSION.uri, NOON, NOON + 2 * HOUR)
    assert (second.until, last.target, last.until) == (NOON + 3 * HOUR, None, None)


def test_who_allowed_it_is_read_from_the_permits_decision(lineage):
    first, second, _ = lineage.timeline("champion")

    assert first.agents == ("actor://registry/ann", "actor://registry/bob")
    assert second.agents == ("actor://s/bob",)


def test_a_caller_over_http_cannot_add_to_who_allowed_it(lineage):
    details = ActivityDetails(asserted_by="actor://service/evil")
    lineage.record_activity(
        f"{PERMIT.uri}/decision", "promotion-decision", agents=["actor://registry/eve"], details=details
    )

    assert lineage.timeline("champion")[0].agents == ("actor://registry/ann", "actor://registry/bob")


def test_a_decision_of_which_the_gate_knows_nothing_approves_nothing():
    lineage, evil = open_in_memory(), ActivityDetails(asserted_by="actor://service/evil")
    lineage.record_activity(
        "approval://registry/forged/decision",
        "promotion-decision",
        generated=[PERMIT],
        agents=["actor://registry/eve"],
        details=evil,
    )
    lineage.point(ALIAS, VERSION, NOON, by=PERMIT.uri)

    assert lineage.timeline("champion")[0].agents == ()


@pytest.mark.parametrize(("hours", "place"), [(0, 0), (1.9, 0), (2, 1), (2.9, 1), (3, 2), (99, 2)])
def test_a_moment_falls_into_one_reign(lineage, hours, place):
    (held,) = lineage.timeline(ALIAS, NOON + hours * HOUR)

    assert held == lineage.timeline(ALIAS)[place]


def test_a_name_that_fits_nothing_or_several_is_reported(lineage):
    with pytest.raises(UnknownReference):
        lineage.timeline("challenger")
    with pytest.raises(UnknownReference, match=r"^at: the name .* was first set at .*, not by .*then or later"):
        lineage.timeline(ALIAS, NOON - HOUR)
    lineage.point(OTHER, VERSION, NOON, by="actor://s/ann")
    with pytest.raises(AmbiguousReference, match="hotels"):
        lineage.timeline("champion")


@pytest.mark.parametrize(
    ("given", "found"),
    [("champion", (ALIAS,)), ("flights", (ALIAS, "deploy://local/flights")), ("slot", ("slot",)), ("x", ())],
)
def test_an_exact_name_beats_an_end_and_an_end_beats_a_part(given, found):
    names = (ALIAS, "champions league", "deploy://local/flights", "slot", "slot/a")

    assert match_name(given, names) == (found if given != "flights" else ("deploy://local/flights",))


def moves(*targets):
    """Return rows of a name, each a target and the hours after noon."""
    return [Pointer("slot", target, NOON + hours * HOUR, f"actor://s/{place}") for place, (target, hours) in targets]


@pytest.mark.parametrize(
    ("rows", "reigns"),
    [
        ([], []),
        ([("a", 0)], [("a", 0, None)]),
        ([("a", 0), ("b", 1)], [("a", 0, 1), ("b", 1, None)]),
        # Of several at one moment the last counts, and repeats begin nothing.
        ([("a", 0), ("b", 0), ("c", 0)], [("c", 0, None)]),
        ([("a", 0), ("b", 1), ("a", 1)], [("a", 0, None)]),
        ([("a", 0), ("a", 1), ("b", 2)], [("a", 0, 2), ("b", 2, None)]),
        ([(None, 0), ("a", 1), (None, 2)], [(None, 0, 1), ("a", 1, 2), (None, 2, None)]),
    ],
)
def test_reigns_follow_from_moves(rows, reigns):
    found = periods(moves(*enumerate(rows)))

    hours = {NOON + number * HOUR: number for number in range(3)} | {None: None}
    assert [(each.target, hours[each.since], hours[each.until]) for each in found] == reigns


def test_a_reign_is_by_who_began_it():
    (reign,) = periods(moves(*enumerate([("a", 0), ("b", 1), ("a", 1), ("a", 2)])))

    assert reign.by == "actor://s/0"
