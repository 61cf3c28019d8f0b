from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import (
    Summaries,
    budget_level,
    evidence_of_change,
    named_by_ebh,
    summarise_categories,
    summarise_numbers,
)
from handrail.statistics.change import payoffs

LOOKS, WEEKS = 12, 4
scores = st.lists(st.one_of(st.just(float("nan")), st.integers(-2, 2).map(float)), min_size=2, max_size=12)
numbers = st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float), st.floats(-10, 10))


def each_last(values: list[float], sizes: tuple[float, ...], changed: int = 1) -> np.ndarray:
    """The payoff of each unit of a bag, were it the last."""
    whole = np.ones((1, len(values)), dtype=bool)
    return np.array(
        [payoffs(np.array([values]), np.array([n]), whole, np.array([changed]), sizes)[0] for n in range(len(values))]
    )


@given(scores, st.integers(1, 12))
def test_payoffs_of_a_bag_have_mean_one(values: list[float], changed: int) -> None:
    assert each_last(values, (1.0, 4.0, -1.0), changed).mean(axis=0) == pytest.approx(np.ones(3))


def test_where_two_moved_far_the_first_two_ranks_share_what_there_is() -> None:
    paid = each_last([float(number) for number in range(10)], (8.0,), changed=2)[:, 0]

    assert paid == pytest.approx([0] * 8 + [5] * 2, abs=0.01)


def test_a_rise_pays_the_top_and_a_fall_the_bottom() -> None:
    paid = each_last([1.0, 2.0, 3.0, 4.0, 5.0], (1.5, -1.5))

    assert np.argsort(paid[:, 0]).tolist() == [0, 1, 2, 3, 4]
    assert paid[:, 1] == pytest.approx(paid[::-1, 0], abs=1e-6)


def ordered(units: Summaries, order: tuple[int, ...], known: int, season: np.ndarray | None) -> float:
    chosen = units.part(np.array(order))
    codes = None if season is None else (season[:known], season[known:])
    return evidence_of_change(chosen.part(np.arange(known)), chosen.part(np.arange(known, len(order))), codes)


def orders(units: int, known: int) -> list[tuple[int, ...]]:
    """Every order of the last units; that of the `known` first ones does not matter."""
    every = range(units)
    return [(*(each for each in every if each not in last), *last) for last in permutations(every, units - known)]


@settings(max_examples=20)
@given(st.lists(st.lists(numbers, min_size=1, max_size=4), min_size=5, max_size=5), st.integers(2, 4))
def test_the_mean_of_the_evidence_over_all_orders_of_the_units_is_one(rows: list[list[float]], known: int) -> None:
    unit = np.repeat(np.arange(5), [len(each) for each in rows])
    units = summarise_numbers(np.concatenate([np.array(each) for each in rows]), unit, 5)

    values = [ordered(units, order, known, None) for order in orders(5, known)]

    assert np.mean(values) == pytest.approx(1)


@settings(max_examples=10)
@given(st.lists(st.lists(st.integers(-1, 2), min_size=1, max_size=5), min_size=5, max_size=5))
def test_the_same_holds_for_categories(rows: list[list[int]]) -> None:
    unit = np.repeat(np.arange(5), [len(each) for each in rows])
    units = summarise_categories(np.concatenate([np.array(each) for each in rows]), unit, 5, 3)

    values = [ordered(units, order, 3, None) for order in orders(5, 3)]

    assert np.mean(values) == pytest.approx(1)


@settings(max_examples=10)
@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_with_seasons_the_mean_over_orders_within_each_season_is_one(values: list[float]) -> None:
    season = np.array([0, 0, 1, 1, 0, 1])
    units = summarise_numbers(np.array(values), np.arange(6), 6)
    places = [np.flatnonzero(season == code) for code in (0, 1)]
    found = []
    for first in permutations(places[0]):
        for second in permutations(places[1]):
            order = np.empty(6, dtype=int)
            order[places[0]], order[places[1]] = first, second
            found.append(ordered(units, tuple(order), 4, season))

    assert np.mean(found) == pytest.approx(1)


def test_what_is_usual_in_its_season_is_no_change() -> None:
    winter, summer = np.linspace(0, 1, 13), np.linspace(20, 21, 13)
    before = summarise_numbers(np.concatenate([winter, summer]), np.arange(26), 26)
    hot = summarise_numbers(np.array([20.1, 20.4, 20.6, 20.9]), np.arange(4), 4)
    cold_summer = summarise_numbers(np.array([0.1, 0.4, 0.6, 0.9]), np.arange(4), 4)
    codes = np.repeat([0, 1], 13), np.ones(4)

    assert evidence_of_change(before, hot, codes) < 2
    assert evidence_of_change(before, cold_summer, codes) > 100
    assert evidence_of_change(before, cold_summer) < 2, "without seasons it is hidden among the winters"


def weeks(source: np.random.Generator, count: int, shift: float = 0.0, rows: int = 30) -> Summaries:
    """Weeks whose rows share a lot: the week's own mean varies three times as much as rows within it."""
    values = np.repeat(source.normal(shift, 3.0, count), rows) + source.normal(0, 1.0, count * rows)
    return summarise_numbers(values, np.repeat(np.arange(count), rows), count)


def year(source: np.random.Generator, columns: int = 1) -> int:
    """How many of 12 monthly looks at two months each name a column, were nothing changes."""
    before = [weeks(source, 26) for _ in range(columns)]
    after = [weeks(source, LOOKS * WEEKS) for _ in range(columns)]
    alarms = 0
    for look in range(1, LOOKS + 1):
        window = np.arange(max(0, look - 2) * WEEKS, look * WEEKS)
        evidence = {
            str(number): evidence_of_change(*pair)
            for number, pair in enumerate(zip(before, (each.part(window) for each in after), strict=True))
        }
        alarms += bool(named_by_ebh(evidence, budget_level(1, LOOKS)))
    return alarms


def test_two_hundred_simulated_years_keep_the_budget_though_rows_of_a_week_depend_on_each_other() -> None:
    source = np.random.default_rng(0)

    alarms = [year(source) for _ in range(200)]

    assert np.mean(alarms) + 3 * np.std(alarms) / np.sqrt(200) <= 1


@pytest.mark.parametrize(("shift", "within"), [(12.0, WEEKS), (9.0, 2 * WEEKS)])
def test_a_big_shift_is_named_within_one_or_two_months(shift: float, within: int) -> None:
    source = np.random.default_rng(1)
    still = [weeks(source, 26) for _ in range(4)]
    found = 0
    for _ in range(20):
        evidence = {str(number): evidence_of_change(each, weeks(source, within)) for number, each in enumerate(still)}
        evidence["moved"] = evidence_of_change(weeks(source, 26), weeks(source, within, shift))
        found += "moved" in named_by_ebh(evidence, budget_level(1, LOOKS))

    assert found >= 18


def test_a_feature_that_is_not_there_any_more_is_a_change() -> None:
    before = summarise_numbers(np.random.default_rng(0).normal(size=2600), np.repeat(np.arange(26), 100), 26)
    gone = summarise_numbers(np.full(400, np.nan), np.repeat(np.arange(4), 100), 4)

    assert evidence_of_change(before, gone) > 50


def test_a_new_category_is_a_change() -> None:
    source = np.random.default_rng(0)
    before = summarise_categories(source.integers(0, 3, 5200), np.repeat(np.arange(26), 200), 26, 3)
    after = summarise_categories(source.integers(0, 4, 800), np.repeat(np.arange(4), 200), 4, 4)

    assert evidence_of_change(before, after) > 50


def test_nothing_to_compare_with_says_nothing() -> None:
    some = weeks(np.random.default_rng(0), 3)
    none = some.part(np.arange(0))

    assert evidence_of_change(none, some) == evidence_of_change(some, none) == 1.0


def test_ebh_names_the_largest_set_that_each_can_pay_for() -> None:
    # Four columns at level 0.1: alone 40 is needed, two need 20 each, three 13.4 each.
    assert named_by_ebh({"a": 39, "b": 19, "c": 13, "d": 1}, 0.1) == ()
    assert named_by_ebh({"a": 40, "b": 19, "c": 13, "d": 1}, 0.1) == ("a",)
    assert named_by_ebh({"b": 20, "a": 30, "c": 13, "d": 1}, 0.1) == ("a", "b")
    assert named_by_ebh({"a": 14, "b": 14, "c": 14, "d": 1}, 0.1) == ("a", "b", "c")


def test_a_column_with_half_of_the_level_needs_half_of_the_evidence_of_two() -> None:
    weights: dict[str, Any] = {"score": 3, "a": 1, "b": 1, "c": 1}

    assert named_by_ebh({"score": 20, "a": 1, "b": 1, "c": 1}, 0.1, weights) == ("score",)
    assert named_by_ebh({"score": 19, "a": 1, "b": 1, "c": 1}, 0.1, weights) == ()
    assert named_by_ebh({"score": 1, "a": 59, "b": 1, "c": 1}, 0.1, weights) == ()


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1e6), max_size=8), st.floats(0.01, 0.9))
def test_whatever_is_named_the_mean_of_all_evidence_pays_for_it(evidence: dict[str, float], level: float) -> None:
    if named_by_ebh(evidence, level):
        assert np.mean(list(evidence.values())) >= 1 / level * (1 - 1e-9)


@pytest.mark.parametrize(("alarms", "looks"), [(1, 1), (0, 12), (2, 1), (1, 0)])
def test_a_budget_that_is_none_is_refused(alarms: float, looks: float) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        budget_level(alarms, looks)


def test_a_budget_is_spread_over_its_looks() -> None:
    assert budget_level(1, 12) == pytest.approx(1 / 12)
