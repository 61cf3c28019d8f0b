from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from handrail.errors import InvalidInput
from handrail.statistics import (
    Intervals,
    Scored,
    binary,
    classes,
    decisions,
    draw_clusters,
    effective_sample_size,
    estimate,
    horvitz_thompson_mean,
    inverse_probability,
    metrics_of,
)

NONE = Intervals(0, 0)
KINDS = ("binary", "multiclass", "regression", "count")


def some(seed: int, kind: str = "binary", rows: int = 60) -> Scored:
    source = np.random.default_rng(seed)
    label = source.integers(0, 2 if kind == "binary" else 4, rows)
    label[:2] = (0, 1)
    cluster = np.r_[np.arange(6), source.integers(0, 6, rows - 6)]
    return Scored(source.integers(1, 20, rows) / 20, label, cluster, source.integers(0, 4, rows))


def weighted(scored: Scored, weight: np.ndarray) -> Scored:
    return Scored(scored.score, scored.label, scored.cluster, scored.predicted, weight)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 500))
def test_a_weight_of_two_equals_a_row_that_is_there_twice(kind: str, seed: int) -> None:
    scored = some(seed, kind)
    times = np.random.default_rng(seed).integers(1, 4, len(scored.label))

    by_weight = metrics_of(kind, weighted(scored, times.astype(float)), Intervals(20, seed))
    by_rows = metrics_of(kind, scored.part(np.repeat(np.arange(len(times)), times)), Intervals(20, seed))

    for name, found in by_weight.items():
        assert found.as_dict() == pytest.approx(by_rows[name].as_dict(), abs=1e-8, nan_ok=True), name


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 500), factor=st.sampled_from([0.1, 3.0]))
def test_weights_count_by_their_ratio_only(kind: str, seed: int, factor: float) -> None:
    scored = some(seed, kind)
    weight = np.random.default_rng(seed).uniform(0.5, 5, len(scored.label))

    first, second = (metrics_of(kind, weighted(scored, of), Intervals(10, 0)) for of in (weight, factor * weight))

    for name, found in first.items():
        assert found.as_dict() == pytest.approx(second[name].as_dict(), abs=1e-8, nan_ok=True), name


@given(seed=st.integers(0, 500))
def test_weighted_figures_equal_scikit_learn(seed: int) -> None:
    scored = some(seed)
    weight = np.random.default_rng(seed).uniform(0.5, 5, len(scored.label))
    of, once = weighted(scored, weight), np.ones((1, scored.clusters))

    area = roc_auc_score(scored.label, scored.score, sample_weight=weight)
    precision = average_precision_score(scored.label, scored.score, sample_weight=weight)
    f1 = f1_score(scored.label, scored.predicted, sample_weight=weight, average="macro", zero_division=0)

    assert binary.roc_auc(of, once)[0] == pytest.approx(area)
    assert binary._area_by_rows(of, once)[0] == pytest.approx(area)
    assert binary.average_precision(of, once)[0] == pytest.approx(precision)
    assert classes.macro_f1(of, once)[0] == pytest.approx(f1)
    found = (scored.label == 1) & (scored.predicted == 1)
    assert decisions.found_share(of, once)[0] == pytest.approx(weight[found].sum() / weight[scored.label == 1].sum())


def test_the_largest_class_is_the_one_with_the_largest_weight() -> None:
    scored = Scored(np.zeros(3), np.array([0, 0, 1]), np.zeros(3, int), np.zeros(3, int), np.array([1.0, 1.0, 8.0]))

    assert classes.largest_share(scored, np.ones((1, 1)))[0] == pytest.approx(0.8)


def test_a_part_keeps_its_weights() -> None:
    part = weighted(some(0), np.arange(60.0)).part(np.array([3, 5]))

    assert part.weight is not None
    assert part.weight.tolist() == [3, 5]


def test_a_sample_that_prefers_positives_is_corrected_and_its_interval_says_so() -> None:
    source, held, naive = np.random.default_rng(4), 0, []
    for trial in range(200):
        label = (source.random(2000) < 0.1).astype(int)
        chance = np.where(label == 1, 0.8, 0.1)
        kept = source.random(2000) < chance
        weights = inverse_probability(chance[kept])
        rows = int(kept.sum())
        of = Scored(np.full(rows, 0.5), label[kept], np.arange(rows), weight=weights.value)
        rate = estimate(binary.base_rate(of, draw_clusters(rows, Intervals(100, trial))))
        naive.append(label[kept].mean())
        held += rate.low <= 0.1 <= rate.high

    assert min(naive) > 0.3
    assert 0.91 <= held / 200 <= 0.985


def test_independent_reasons_multiply_and_small_products_are_cut_and_counted() -> None:
    weights = inverse_probability(np.array([0.5, 0.1, 1.0]), np.array([0.5, 0.05, 1.0]), smallest=0.01)

    assert weights.value == pytest.approx([4, 100, 1])
    assert weights.clipped == 1
    assert inverse_probability(np.array([0.01])).clipped == 0


@pytest.mark.parametrize("odd", [0.0, -0.2, 1.1, math.nan])
def test_what_is_no_probability_is_refused(odd: float) -> None:
    with pytest.raises(InvalidInput, match="is not above 0 and at most 1"):
        inverse_probability(np.array([0.5, odd]))


@pytest.mark.parametrize("given", [(), (np.array([0.5]), np.array([0.5, 0.5])), (np.array(0.5),)])
def test_probabilities_come_one_a_row(given: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(InvalidInput, match="differ in length"):
        inverse_probability(*given)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=40), st.floats(0.1, 10))
def test_equal_weights_lose_nothing_and_unequal_ones_do(weight: list[float], factor: float) -> None:
    effective = effective_sample_size(np.array(weight))

    assert 1 - 1e-9 <= effective <= len(weight) + 1e-9
    assert effective_sample_size(np.array(weight) * factor) == pytest.approx(effective)
    assert effective_sample_size(np.full(len(weight), factor)) == pytest.approx(len(weight))


def test_without_a_row_the_effective_size_is_zero() -> None:
    assert effective_sample_size(np.array([])) == 0


def test_the_unnormalised_mean_divides_by_the_population() -> None:
    found = horvitz_thompson_mean(np.array([2.0, 4.0]), np.array([2.0, 3.0]), 5, np.array([0, 1]), Intervals(50, 0))

    assert found.value == pytest.approx((4 + 12) / 5)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("rows", [([], [], []), ([1.0], [1.0, 2.0], [0]), ([1.0], [1.0], [0, 1])])
def test_the_unnormalised_mean_wants_one_weight_a_value(rows: tuple[list[float], ...]) -> None:
    values, weight, cluster = map(np.array, rows)

    with pytest.raises(InvalidInput, match="differ in length"):
        horvitz_thompson_mean(values, weight, 5, cluster, NONE)
