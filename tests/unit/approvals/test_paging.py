"""Lists for those who may not read every model: no gap, no count and no way on shows what they may not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.service.paging import MOST_LOOKED, Wanted, all_pages, read_on
from tests.fakes.approvals_world import World


def _numbered(matches):
    """Look at rows by number, as the gate does; each row that matches is its number."""

    def page(after, most):
        looked = range(after + 1, min(after + most, len(matches)) + 1)
        on = looked[-1] if looked and looked[-1] < len(matches) else None
        return [number for number in looked if matches[number - 1]], on

    return page


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 60))
def test_pages_together_hold_what_matches_once_and_in_order(matches, most):
    found, after, pages = [], 0, []
    while after is not None:
        views, after = read_on(_numbered(matches), after, most)
        pages.append(len(views))
        found += views

    assert found == [number for number, matched in enumerate(matches, 1) if matched]
    assert all(length == most for length in pages[:-1]), "a page in between is full"
    assert pages[-1] > 0 or pages == [0], "no way on leads to nothing"


def test_a_walk_through_very_many_that_do_not_match_ends():
    looked = []

    def page(after, most):
        looked.append(most)
        return [], after + most

    views, on = read_on(page, 0, 50)

    assert (views, sum(looked)) == ([], MOST_LOOKED)
    assert on == MOST_LOOKED


@pytest.fixture
def world():
    world = World()
    for version in range(2, 8):
        world.register(version)
    return world


def test_of_models_that_may_not_be_read_nothing_is_listed_judged_or_counted(world):
    for version in range(1, 8):
        world.ask(version=version)
    judged = []
    real = world.rules.policy
    world.rules.policy = lambda *names, **more: judged.append(names) or real(*names, **more)

    views, on = world.gate.page(0, 3, Wanted(reads=lambda _model: False))

    assert (list(views), on, judged) == ([], None, [])
    assert len(world.gate.page(0, 3, Wanted(newest=True))[0]) == 3
    assert len(all_pages(world.gate.page)) == 7
