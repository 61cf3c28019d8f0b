from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from handrail.errors import InvalidInput
from handrail.statistics import calibrate

SEEDS = st.integers(0, 2000)


def rows(seed: int, levels: int = 20, number: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    score = source.integers(0, levels, number) / levels
    return score, (source.random(number) < score).astype(int), source.uniform(0.5, 3, number)


@given(seed=SEEDS, levels=st.sampled_from([2, 20, 5000]))
def test_it_equals_scikit_learn_between_and_beyond_the_scores(seed: int, levels: int) -> None:
    score, label, weight = rows(seed, levels)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score, label, sample_weight=weight)
    asked = np.linspace(-0.2, 1.2, 57)

    assert calibrate(score, label, weight).probability_of(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)


@given(seed=SEEDS)
def test_it_never_falls_keeps_the_base_rate_and_ignores_the_order(seed: int) -> None:
    score, label, weight = rows(seed)
    order = np.random.default_rng(seed).permutation(len(score))

    found, shuffled = calibrate(score, label, weight), calibrate(score[order], label[order], weight[order])

    assert (np.diff(found.probability) >= 0).all()
    assert np.average(found.probability_of(score), weights=weight) == pytest.approx(np.average(label, weights=weight))
    assert shuffled.probability == pytest.approx(found.probability, abs=1e-9)


@given(seed=SEEDS)
def test_a_weight_of_two_equals_a_row_twice_and_no_weight_none(seed: int) -> None:
    score, label, _ = rows(seed)
    times = np.random.default_rng(seed).integers(0, 3, len(score))
    times[0] = 1

    by_weight = calibrate(score, label, times.astype(float))
    by_rows = calibrate(np.repeat(score, times), np.repeat(label, times))

    assert by_weight.score.tolist() == by_rows.score.tolist()
    assert by_weight.probability == pytest.approx(by_rows.probability, abs=1e-9)


@given(seed=SEEDS, shift=st.integers(-3, 3), scale=st.sampled_from([0.5, 4.0]))
def test_only_the_order_of_scores_counts(seed: int, shift: int, scale: float) -> None:
    score, label, _ = rows(seed)

    moved = calibrate(shift + scale * score, label)

    assert moved.probability.tolist() == calibrate(score, label).probability.tolist()


@pytest.mark.parametrize(
    ("score", "label", "weight"),
    [
        ([], [], None),
        ([0.1, 0.2], [1], None),
        ([0.1], [1], [0.0]),
        ([0.1, math.nan], [1, 0], None),
        ([0.1, 0.3], [1, 2], None),
    ],
)
def test_what_cannot_calibrate_is_refused(score: list[float], label: list[int], weight: list[float] | None) -> None:
    with pytest.raises(InvalidInput, match="score"):
        calibrate(np.array(score), np.array(label), None if weight is None else np.array(weight))
