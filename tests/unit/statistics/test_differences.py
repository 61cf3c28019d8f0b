from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import (
    arm_of_values,
    at_looks,
    difference_of_means,
    difference_of_proportions,
    paired_difference,
)

SEEDS = st.integers(0, 1000)


def rows(seed: int, number: int = 60, subjects: int = 25) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    return source.normal(2, 3, number), source.integers(0, subjects, number)


def test_without_subjects_the_variance_is_that_of_a_mean() -> None:
    values, _ = rows(0)

    arm = arm_of_values(values)

    assert float(arm.mean) == pytest.approx(values.mean())
    assert float(arm.variance) == pytest.approx(values.var(ddof=1) / 60)
    assert float(arm.subjects) == 60


def test_a_subject_that_repeats_itself_is_one_observation() -> None:
    values, _ = rows(0)

    once, often = arm_of_values(values), arm_of_values(np.repeat(values, 5), np.repeat(np.arange(60), 5))

    assert (often.mean, often.variance) == (pytest.approx(float(once.mean)), pytest.approx(float(once.variance)))
    assert float(arm_of_values(np.repeat(values, 5)).variance) < 0.25 * float(once.variance)


def test_the_variance_over_subjects_of_unequal_size_is_right() -> None:
    source = np.random.default_rng(1)
    means, variances = [], []
    for _ in range(500):
        size = 1 + source.poisson(2, 80)
        values = np.repeat(source.normal(size=80), size) + source.normal(size=size.sum())
        arm = arm_of_values(values, np.repeat(np.arange(80), size))
        means.append(float(arm.mean))
        variances.append(float(arm.variance))

    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.15)


@given(seed=SEEDS)
def test_order_and_names_of_subjects_do_not_matter(seed: int) -> None:
    values, subject = rows(seed)
    order = np.random.default_rng(seed + 1).permutation(60)

    first = arm_of_values(values, subject)
    second = arm_of_values(values[order], np.array([f"s{code}" for code in 99 - subject[order]]))

    assert float(second.mean) == pytest.approx(float(first.mean))
    assert float(second.variance) == pytest.approx(float(first.variance))


@given(seed=SEEDS, shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
def test_another_unit_and_origin_move_mean_and_variance_along(seed: int, shift: float, scale: float) -> None:
    values, subject = rows(seed)

    plain, moved = arm_of_values(values, subject), arm_of_values(shift + scale * values, subject)

    assert float(moved.mean) == pytest.approx(shift + scale * float(plain.mean), abs=1e-9)
    assert float(moved.variance) == pytest.approx(scale**2 * float(plain.variance), rel=1e-6)


@given(seed=SEEDS)
def test_a_weight_of_two_equals_a_row_twice(seed: int) -> None:
    values, subject = rows(seed)
    times = np.random.default_rng(seed).integers(1, 4, 60)

    by_weight = arm_of_values(values, subject, times.astype(float))
    by_rows = arm_of_values(np.repeat(values, times), np.repeat(subject, times))

    assert float(by_weight.mean) == pytest.approx(float(by_rows.mean))
    assert float(by_weight.variance) == pytest.approx(float(by_rows.variance))


def test_two_arms_differ_by_their_means_and_add_their_variances() -> None:
    champion, challenger = arm_of_values(np.array([1.0, 2, 3])), arm_of_values(np.array([2.0, 4, 6, 8, 10, 12]))

    found = difference_of_means(champion, challenger)

    assert float(found.gain) == 7 - 2
    assert float(found.variance) == pytest.approx(1 / 3 + 14 / 6)
    assert float(found.units) == pytest.approx(2 / (1 / 3 + 1 / 6))


def test_proportions_have_the_larger_of_both_variances() -> None:
    pooled = difference_of_proportions((np.array([10]), np.array([100])), (np.array([20]), np.array([100])))
    canary = difference_of_proportions((np.array([1000]), np.array([10_000])), (np.array([50]), np.array([100])))

    assert pooled.gain.tolist() == [pytest.approx(0.1)]
    assert pooled.variance.tolist() == [pytest.approx(2 * 0.15 * 0.85 / 100)]
    assert pooled.units.tolist() == [pytest.approx(100)]
    assert canary.variance.tolist() == [pytest.approx(0.25 / 100 + 0.09 / 10_000)]


def test_looks_without_a_subject_are_no_error() -> None:
    none = difference_of_proportions((np.array([0]), np.array([0])), (np.array([0]), np.array([3])))

    assert (none.gain[0], none.variance[0]) == (0, 0)
    assert none.units[0] < 1e-6


def test_paired_differences_are_one_arm() -> None:
    gain, subject = rows(2)

    found = paired_difference(gain, subject)

    arm = arm_of_values(gain, subject)
    assert (found.gain, found.variance, found.units) == (arm.mean, arm.variance, len(np.unique(subject)))


def test_looks_are_put_in_a_row_and_a_metric_may_be_better_on_its_lower_side() -> None:
    looks = at_looks([paired_difference(np.array([1.0, 2])), paired_difference(np.array([1.0, 2, 6]))])

    assert looks.gain.tolist() == [1.5, 3]
    assert looks.units.tolist() == [2, 3]
    assert looks.favouring("lower").gain.tolist() == [-1.5, -3]
    assert looks.favouring("higher") is looks
    assert looks.favouring("lower").variance is looks.variance


def test_one_subject_has_no_variance_yet() -> None:
    assert float(arm_of_values(np.array([1.0, 2.0]), np.array([7, 7])).variance) == 0


@pytest.mark.parametrize(
    ("values", "subject", "sentence"),
    [([], None, "no row"), ([1.0, 2.0], [1], "differ in length"), ([1.0, math.nan], None, "not finite")],
)
def test_what_is_no_row_is_refused(values: list[float], subject: list[int] | None, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        arm_of_values(np.array(values), None if subject is None else np.array(subject))


@pytest.mark.parametrize("arms", [((3, 2), (1, 2)), ((1, 2), (3, 2)), ((-1, 2), (1, 2))])
def test_more_successes_than_subjects_are_refused(arms: tuple[tuple[int, int], tuple[int, int]]) -> None:
    champion, challenger = ((np.array([good]), np.array([of])) for good, of in arms)

    with pytest.raises(InvalidInput, match="between 0 and the subjects"):
        difference_of_proportions(champion, challenger)
