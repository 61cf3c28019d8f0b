"""How far groups are apart, beside counting by hand, and bounds beside a truth that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.statistics import RATES_OF, Intervals, Scored, disparities, draw_clusters, names_of_disparity
from tests.fakes.effort import tried

FEW = Intervals(200, 0)


def _rows(seed, rates, days=20, a_day=60):
    """Make decisions at these rates by group, under days that are better or worse for all."""
    source = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(days), a_day)
    group = source.integers(0, len(rates), len(cluster))
    odds = np.log(np.array(rates) / (1 - np.array(rates)))[group] + source.normal(0, 0.4, days)[cluster]
    called = (source.random(len(cluster)) < 1 / (1 + np.exp(-odds))).astype(int)
    label = (source.random(len(cluster)) < 0.4).astype(int)
    return Scored(called * 0.5, label, cluster, called), group


def _compare(scored, group, least_rows=10, kind="binary"):
    return disparities(kind, scored, group, draw_clusters(scored.clusters, FEW), least_rows)


@given(seed=st.integers(0, 10_000), groups=st.integers(2, 5))
@tried(30)
def test_rates_and_what_lies_between_them_are_what_counting_gives(seed, groups):
    scored, group = _rows(seed, np.linspace(0.1, 0.7, groups))

    found = _compare(scored, group)

    for name, chosen, counted in (
        ("selection_rate", scored.label >= 0, scored.predicted == 1),
        ("false_negative_rate", scored.label == 1, scored.predicted == 0),
        ("false_positive_rate", scored.label == 0, scored.predicted == 1),
        ("error_rate", scored.label >= 0, scored.predicted != scored.label),
    ):
        rates = [counted[chosen & (group == code)].mean() for code in range(groups)]
        assert found[name].rates == pytest.approx(rates)
        assert found[name].difference[0] == pytest.approx(max(rates) - min(rates))
        assert found[name].ratio[0] == pytest.approx(min(rates) / max(rates))
        assert (found[name].highest, found[name].lowest) == (np.argmax(rates), np.argmin(rates))
        assert found[name].difference[1] <= found[name].difference[0] <= found[name].difference[2] <= 1
        assert 0 <= found[name].ratio[1] <= found[name].ratio[0] <= found[name].ratio[2] <= 1 + 1e-12


@pytest.mark.parametrize("rates", [(0.3,) * 5, (0.3, 0.3, 0.3, 0.3, 0.6)], ids=["equal", "apart"])
def test_the_true_difference_lies_within_the_bounds_nearly_always(rates):
    everywhere = np.random.default_rng(1).normal(0, 0.4, 100_000)
    true = [(1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + everywhere)))).mean() for rate in rates]
    difference, ratio = max(true) - min(true), min(true) / max(true)

    seen = [_compare(*_rows(seed, rates))["selection_rate"] for seed in range(100)]

    assert sum(one.difference[1] <= difference <= one.difference[2] for one in seen) >= 88
    assert sum(one.ratio[1] <= ratio <= one.ratio[2] for one in seen) >= 88
    # What everybody computes: the largest of many differences, which is large by chance alone.
    assert np.mean([one.difference[0] > difference for one in seen]) > 0.6


def test_a_handful_of_rows_is_in_no_comparison():
    scored, group = _rows(3, (0.3, 0.3, 0.3))
    tiny = np.flatnonzero(group == 2)[8:]
    kept = np.setdiff1d(np.arange(len(group)), tiny)

    found = _compare(scored.part(kept), group[kept])["selection_rate"]

    assert np.isnan(found.rates[2])
    assert {found.highest, found.lowest} == {0, 1}


def test_a_group_of_few_days_is_in_no_comparison():
    scored, group = _rows(3, (0.3, 0.3, 0.3))
    group = np.where((group == 2) & (scored.cluster > 3), 0, group)

    assert np.isnan(_compare(scored, group)["selection_rate"].rates[2])


def test_one_group_is_compared_with_nobody():
    scored, group = _rows(3, (0.3,))

    assert _compare(scored, group) == {}


def test_a_group_without_a_single_miss_is_not_certain():
    scored, group = _rows(5, (0.5, 0.5))
    called = np.where((group == 1) & (scored.label == 1), 1, scored.predicted)

    found = _compare(Scored(called * 0.5, scored.label, scored.cluster, called), group)["false_negative_rate"]

    assert found.rates[1] == 0
    assert found.difference[1] < found.difference[0] < found.difference[2]
    assert found.ratio[0] == 0
    assert 0 < found.ratio[2] < 0.2


def test_a_rate_that_nobody_can_count_is_not_there():
    scored, group = _rows(5, (0.5, 0.5))
    never = Scored(scored.score, np.zeros(len(group), dtype=int), scored.cluster, scored.predicted)

    assert "false_negative_rate" not in _compare(never, group)


def test_numbers_are_compared_by_their_errors():
    source = np.random.default_rng(0)
    cluster, group = np.repeat(np.arange(20), 50), source.integers(0, 2, 1000)
    truth = source.normal(0, 1, 1000)
    answers = truth + source.normal(0, 0.1, 1000) + group * 0.5

    found = _compare(Scored(answers, truth, cluster), group, kind="regression")

    assert found["mean_error"].difference == pytest.approx((0.5, 0.48, 0.52), abs=0.03)
    assert found["mean_error"].ratio is None
    assert found["mean_absolute_error"].difference[1] > 0.3
    for rate in RATES_OF["regression"]:
        assert {*found[rate.name].as_dict()} == {*names_of_disparity(rate)}


def test_the_same_rows_give_the_same_numbers():
    one, other = (_compare(*_rows(4, (0.2, 0.4, 0.3)))["error_rate"].as_dict() for _ in range(2))

    assert one == other


def test_two_groups_without_a_single_miss_may_still_differ():
    scored, group = _rows(5, (0.5, 0.5))
    never = Scored(scored.score, scored.label, scored.cluster, np.ones(len(group), dtype=int))

    found = _compare(never, group)["false_negative_rate"]

    assert found.difference[:2] == (0, 0)
    assert found.difference[2] > 0.01
