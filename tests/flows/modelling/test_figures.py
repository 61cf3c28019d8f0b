from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from flows.steps.modelling.figures import calibration, curves, pearson_residuals
from handrail.statistics import Scored
from handrail.use_case import read_use_case

LABEL = read_use_case(Path(__file__).parents[3]).label


def some(rows: int, levels: int, seed: int = 0) -> Scored:
    source = np.random.default_rng(seed)
    score = source.integers(1, levels, rows) / levels
    late = (source.random(rows) < score).astype(np.int8)
    late[:2] = (0, 1)
    return Scored(score, late, np.zeros(rows, int))


@given(rows=st.integers(2, 300), levels=st.sampled_from([2, 5, 100_000]), seed=st.integers(0, 1000))
def test_curves_equal_those_of_scikit_learn(rows: int, levels: int, seed: int) -> None:
    scored = some(rows, levels, seed)

    false_rate, recall, precision = curves(scored)

    # It begins with no flight called, and its curve of precision goes the other way and ends there.
    expected_false, expected_recall, _ = roc_curve(scored.label, scored.score, drop_intermediate=False)
    expected_precision = precision_recall_curve(scored.label, scored.score)[0][:-1][::-1]
    assert false_rate == pytest.approx(expected_false[1:])
    assert recall == pytest.approx(expected_recall[1:])
    assert precision == pytest.approx(expected_precision)


def test_residuals_of_poisson_counts_spread_by_one_whatever_the_prediction() -> None:
    source = np.random.default_rng(0)
    means = np.repeat([0.5, 4.0, 60.0], 4000)
    scored = Scored(means, source.poisson(means), np.zeros(len(means), int))

    residuals = pearson_residuals(scored).reshape(3, -1)

    assert residuals.std(axis=1) == pytest.approx(1, abs=0.05)
    assert pearson_residuals(Scored(np.array([0.0]), np.array([0]), np.zeros(1, int))) == pytest.approx(0, abs=1e-4)


def test_of_many_thresholds_500_are_drawn_from_the_first_to_the_last() -> None:
    scored = some(3000, 10**9)

    false_rate, recall, precision = curves(scored)

    assert len(false_rate) == len(recall) == len(precision) == 500
    assert (false_rate[-1], recall[-1], precision[-1]) == (1, 1, scored.label.mean())
    assert false_rate[0] + recall[0] == pytest.approx(1 / max(scored.label.sum(), 1), abs=0.01)
    assert np.diff(recall).max() < 0.01


@pytest.mark.parametrize("rows", [4, 10, 57])
def test_calibration_is_by_ten_groups_of_equal_size_from_the_lowest_scores_to_the_highest(rows: int) -> None:
    scored = some(rows, 1000)

    groups = calibration(scored, LABEL)

    order = sorted(range(rows), key=lambda row: scored.score[row])
    sizes = [group["rows"] for group in groups]
    assert sum(sizes) == rows
    assert len(groups) == min(10, rows)
    assert max(sizes) - min(sizes) <= 1
    for group in groups:
        part, order = order[: int(group["rows"])], order[int(group["rows"]) :]
        assert group["predicted"] == round(float(np.mean(scored.score[part])), 9)
        assert group["observed"] == round(float(np.mean(scored.label[part])), 9)
