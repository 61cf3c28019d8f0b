from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import LabelDelay, label_delay
from tests.fixtures.statistics.oracles import ORACLES

CASES = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=60)


def curve_of(rows: list[tuple[int, bool]], alpha: float = 0.05) -> LabelDelay:
    return label_delay(np.array([time for time, _ in rows]), np.array([seen for _, seen in rows]), alpha)


@pytest.mark.parametrize("case", ORACLES["label_delay"], ids=lambda case: case["name"])
def test_the_curve_and_its_interval_equal_lifelines(case: dict[str, list[float]]) -> None:
    curve = label_delay(np.array(case["waited"]), np.array(case["labelled"], dtype=bool))

    assert curve.time.tolist() == case["time"]
    assert curve.share == pytest.approx(case["share"], abs=1e-12)
    assert curve.low == pytest.approx(case["low"], abs=1e-12)
    assert curve.high == pytest.approx(case["high"], abs=1e-12)


def test_the_curve_of_a_textbook_by_hand() -> None:
    # Six wait; one is labelled at 2, one leaves at 3, two are labelled at 5, two leave at 8.
    curve = curve_of([(2, True), (3, False), (5, True), (5, True), (8, False), (8, False)])

    assert curve.time.tolist() == [2, 5]
    assert curve.waiting.tolist() == [6, 4]
    assert curve.labels.tolist() == [1, 2]
    assert curve.share == pytest.approx([1 / 6, 1 - 5 / 6 * 1 / 2])
    assert (curve.predictions, curve.censored) == (6, 3)


@given(rows=CASES, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, bool]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))

    first, second = curve_of(rows), curve_of([rows[row] for row in order])

    for name in ("time", "share", "low", "high", "waiting", "labels"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


@given(rows=CASES, factor=st.sampled_from([0.25, 2.0, 1024.0]))
def test_another_unit_of_time_changes_times_only(rows: list[tuple[int, bool]], factor: float) -> None:
    waited, labelled = np.array([time for time, _ in rows]), np.array([seen for _, seen in rows])

    hours, others = label_delay(waited, labelled), label_delay(waited * factor, labelled)

    assert np.array_equal(others.time, hours.time * factor)
    assert np.array_equal(others.share, hours.share)


@given(rows=CASES)
def test_the_share_rises_inside_its_interval_and_intervals_nest(rows: list[tuple[int, bool]]) -> None:
    wide, narrow = curve_of(rows, alpha=0.01), curve_of(rows, alpha=0.2)

    assert (np.diff(narrow.share) > 0).all()
    for curve in (wide, narrow):
        assert ((curve.low >= 0) & (curve.low <= curve.share) & (curve.share <= curve.high) & (curve.high <= 1)).all()
    assert ((wide.low <= narrow.low) & (narrow.high <= wide.high)).all()


@given(rows=CASES)
def test_without_censoring_it_is_the_plain_share(rows: list[tuple[int, bool]]) -> None:
    times = np.array([time for time, _ in rows])

    curve = label_delay(times, np.ones(len(times), dtype=bool))

    assert curve.share == pytest.approx([np.mean(times <= time) for time in curve.time])
    assert curve.share_by(30) == pytest.approx(1)


def test_the_interval_holds_the_true_share_about_95_times_in_100() -> None:
    source, held, age = np.random.default_rng(0), 0, 5.0
    truth = 1 - math.exp(-age / 4)
    for _ in range(400):
        delay, old = source.exponential(4, 200), source.uniform(0, 12, 200)
        curve = label_delay(np.minimum(delay, old), delay <= old)
        at = np.searchsorted(curve.time, age, side="right") - 1
        held += curve.low[at] <= truth <= curve.high[at]

    assert 0.92 <= held / 400 <= 0.98


def test_what_is_labelled_so_far_is_far_less_than_the_curve_says() -> None:
    source = np.random.default_rng(1)
    delay, old = source.exponential(4, 20_000), source.uniform(0, 12, 20_000)

    curve = label_delay(np.minimum(delay, old), delay <= old)

    assert np.mean(delay <= old) < 0.7
    assert float(curve.share_by(10)) == pytest.approx(1 - math.exp(-10 / 4), abs=0.01)


def test_quantiles_have_an_interval_and_are_unknown_beyond_the_curve() -> None:
    source = np.random.default_rng(2)
    delay = source.exponential(4, 2000)
    curve = label_delay(np.minimum(delay, 5), delay <= 5)

    half, most = curve.quantile(0.5), curve.quantile(0.9)

    assert half.low < half.value < half.high
    assert half.value == pytest.approx(4 * math.log(2), rel=0.1)
    assert math.isnan(most.value)


def test_weights_of_an_immature_cohort_give_the_mean_of_the_mature_one() -> None:
    source = np.random.default_rng(3)
    delay, old = source.exponential(4, 40_000), source.uniform(0.5, 12, 40_000)
    # Younger predictions are better, so that labels so far look at the old ones too much.
    value = (source.random(40_000) < 0.2 + 0.05 * old).astype(float)
    seen = delay <= old

    curve = label_delay(np.minimum(delay, old), seen)
    weights = curve.weights(old[seen])

    truth = value.mean()
    assert value[seen].mean() > truth + 0.04
    assert np.average(value[seen], weights=weights.value) == pytest.approx(truth, abs=0.01)
    assert weights.effective < np.count_nonzero(seen)


def test_a_label_from_a_clock_behind_counts_as_arrived_at_once() -> None:
    assert curve_of([(-3, True), (1, True)]).time.tolist() == [0, 1]


def test_a_label_for_all_who_wait_ends_the_curve_at_one() -> None:
    curve = curve_of([(1, True), (2, True), (2, True)])

    assert curve.share.tolist() == [pytest.approx(1 / 3), 1]
    assert (curve.low[1], curve.high[1]) == (curve.low[0], 1)
    only = curve_of([(1, True)])
    assert (only.low.tolist(), only.high.tolist()) == ([0], [1])


@pytest.mark.parametrize(
    ("waited", "labelled", "sentence"),
    [
        ([], [], "0 times for 0 rows"),
        ([1.0, 2.0], [True], "2 times for 1 rows"),
        ([1.0, math.nan], [True, False], "not finite"),
        ([1.0, -1.0], [True, False], "made after as-of"),
    ],
)
def test_what_is_no_time_is_refused(waited: list[float], labelled: list[bool], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        label_delay(np.array(waited), np.array(labelled))


def test_a_weight_before_the_shortest_delay_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 is not above 0"):
        curve_of([(2, True), (3, True)]).weights(np.array([1.0]))


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_an_error_rate_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        curve_of([(1, True)], alpha)
