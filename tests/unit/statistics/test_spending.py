from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import Difference, FixedHorizon, spending_bounds

# Bounds at five equal looks, two-sided 5 %, as printed for the spending functions of Lan and DeMets.
PUBLISHED = {
    "obrien_fleming": [4.877, 3.357, 2.680, 2.290, 2.031],
    "pocock": [2.438, 2.427, 2.410, 2.397, 2.386],
}
FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)
HUNDRED = tuple((np.arange(1, 101) / 100).tolist())
SPENDINGS = st.sampled_from(["obrien_fleming", "pocock"])
SCHEDULES = st.lists(st.floats(0.02, 1), min_size=1, max_size=6).map(
    lambda steps: tuple((np.cumsum(steps) / np.sum(steps)).tolist())
)


def looks(units: list[float], gain: float = 0.0, per_unit: float = 2.0) -> Difference:
    of = np.array(units, dtype=float)
    return Difference(np.full(len(of), gain), per_unit / of, of)


@pytest.mark.parametrize("spending", PUBLISHED)
def test_bounds_equal_the_published_ones(spending: str) -> None:
    assert spending_bounds(FIVE, 0.05, spending) == pytest.approx(PUBLISHED[spending], abs=6e-4)


@pytest.mark.parametrize("spending", PUBLISHED)
def test_a_single_look_at_the_horizon_is_the_ordinary_test(spending: str) -> None:
    assert spending_bounds((1.0,), 0.05, spending)[0] == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("spending", PUBLISHED)
def test_a_hundred_looks_spend_exactly_alpha(spending: str) -> None:
    bounds = spending_bounds(HUNDRED, 0.05, spending)
    steps = np.random.default_rng(0).normal(0, 0.1, (100_000, 100))
    away = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(HUNDRED)

    crossed = np.mean((away > bounds).any(axis=1))

    # Three standard errors of 100,000 trials.
    assert crossed == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 100_000))


@settings(max_examples=15)
@given(shares=SCHEDULES, spending=SPENDINGS, alpha=st.floats(0.01, 0.2))
def test_any_schedule_spends_exactly_alpha(shares: tuple[float, ...], spending: str, alpha: float) -> None:
    bounds = spending_bounds(shares, alpha, spending)
    steps = np.random.default_rng(1).normal(0, np.sqrt(np.diff(shares, prepend=0)), (20_000, len(shares)))
    away = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(shares)

    crossed = np.mean((away > bounds).any(axis=1))

    assert crossed == pytest.approx(alpha, abs=4.5 * math.sqrt(alpha / 20_000))


@settings(max_examples=15)
@given(shares=SCHEDULES, spending=SPENDINGS)
def test_later_looks_leave_earlier_bounds_as_they_were(shares: tuple[float, ...], spending: str) -> None:
    whole = spending_bounds(shares, 0.05, spending)

    for taken in range(1, len(shares)):
        assert spending_bounds(shares[:taken], 0.05, spending) == pytest.approx(whole[:taken], abs=1e-6)


@settings(max_examples=10)
@given(shares=SCHEDULES, spending=SPENDINGS)
def test_first_bounds_nest_with_alpha(shares: tuple[float, ...], spending: str) -> None:
    strict, lenient = (spending_bounds(shares, alpha, spending) for alpha in (0.01, 0.1))

    assert strict[0] >= lenient[0]
    assert strict[-1] > lenient[-1]


def test_the_interval_is_the_bound_times_the_standard_error_and_one_for_each_trial() -> None:
    rule = FixedHorizon(1000)
    one = looks([200, 400, 600, 800, 1000])
    many = Difference(*(np.stack([of, of]) for of in (one.gain, one.variance, one.units)))

    expected = spending_bounds(FIVE, 0.05, "obrien_fleming") * np.sqrt(one.variance)

    assert rule.radius(one) == pytest.approx(expected)
    assert rule.radius(many) == pytest.approx(np.stack([expected, expected]))


def test_a_first_look_may_be_a_single_number() -> None:
    only = Difference(np.array(0.1), np.array(2 / 1000), np.array(1000.0))

    assert float(FixedHorizon(1000).radius(only)) == pytest.approx(1.959964 * math.sqrt(2 / 1000), abs=1e-6)


def test_what_came_past_the_horizon_gets_what_is_left_and_no_look_comes_after() -> None:
    over = spending_bounds((0.5, 1.3, 1.6), 0.05, "obrien_fleming")

    assert over[0] == pytest.approx(spending_bounds((0.5, 1.0), 0.05, "obrien_fleming")[0])
    assert 1.9 < over[1] < 2.1
    assert over[2] == math.inf


def test_a_look_without_a_variance_excludes_nothing() -> None:
    assert FixedHorizon(100).radius(Difference(np.zeros(1), np.zeros(1), np.array([50.0])))[0] == math.inf


def test_a_gain_that_would_decide_at_the_horizon_waits_for_it() -> None:
    rule = FixedHorizon(1000)

    assert rule.units_to_decide(looks([200, 400], gain=0.12)) == 1000
    assert rule.units_to_decide(looks([200, 400], gain=-0.12)) == 1000
    assert rule.units_to_decide(looks([200, 400], gain=0.05)) == math.inf
    assert rule.units_to_decide(looks([200, 1000], gain=0.12)) == math.inf


@pytest.mark.parametrize("shares", [(), (0.5, 0.5), (0.5, 0.4), (0.0, 1.0), (0.5, 0.50001)])
def test_looks_that_do_not_ascend_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="looks do not ascend"):
        spending_bounds(shares, 0.05, "pocock")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [({"horizon": 0}, "horizon"), ({"horizon": 9, "alpha": 0}, "alpha"), ({"horizon": 9, "spending": "x"}, "pocock")],
)
def test_a_rule_that_is_none_is_refused(rule: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        FixedHorizon(**rule)
