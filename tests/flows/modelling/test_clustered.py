from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from flows.steps.modelling.clustered import Scored, average_precision, draw_days, metrics_of, roc_auc
from flows.steps.modelling.model_params import IntervalParams


def some(seed: int, rows: int = 400, days: int = 7, levels: int = 50) -> Scored:
    source = np.random.default_rng(seed)
    score = source.integers(1, levels, rows) / levels
    late = (source.random(rows) < score).astype(np.int8)
    late[:2] = (0, 1)
    day = np.r_[np.arange(days), source.integers(0, days, rows - days)]
    return Scored(score, late, day)


@given(seed=st.integers(0, 10_000), levels=st.sampled_from([2, 5, 50, 100_000]))
def test_every_draw_equals_scikit_learn_on_the_drawn_flights(seed: int, levels: int) -> None:
    scored = some(seed, levels=levels)
    weights = draw_days(scored.days, IntervalParams(3, seed))

    areas, precisions = roc_auc(scored, weights), average_precision(scored, weights)

    for row, of_days in enumerate(weights):
        weight = of_days[scored.day]
        if len(np.unique(scored.late[weight > 0])) < 2:
            continue
        assert areas[row] == pytest.approx(roc_auc_score(scored.late, scored.score, sample_weight=weight))
        expected = average_precision_score(scored.late, scored.score, sample_weight=weight)
        assert precisions[row] == pytest.approx(expected)


def test_point_estimates_equal_scikit_learn() -> None:
    scored = some(1)

    metrics = metrics_of(scored, IntervalParams(200, 0))

    assert metrics["roc_auc"].value == pytest.approx(roc_auc_score(scored.late, scored.score))
    assert metrics["log_loss"].value == pytest.approx(log_loss(scored.late, scored.score))
    assert metrics["brier"].value == pytest.approx(brier_score_loss(scored.late, scored.score))
    assert metrics["base_rate"].value == pytest.approx(scored.late.mean())
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in metrics.values())


def test_days_that_differ_widen_the_interval() -> None:
    source = np.random.default_rng(0)
    day = np.repeat(np.arange(20), 100)
    late = np.r_[[0, 1], source.integers(0, 2, 1998)].astype(np.int8)
    alike = Scored(source.random(2000), late, day)
    storms = (source.random(20) < 0.5).astype(np.int8)
    stormy = Scored(source.random(2000), storms[day], day)

    narrow, wide = (metrics_of(of, IntervalParams(300, 0))["base_rate"] for of in (alike, stormy))

    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_a_draw_without_one_outcome_is_left_out() -> None:
    scored = Scored(np.array([0.1, 0.9, 0.2]), np.array([0, 1, 0], dtype=np.int8), np.array([0, 1, 0]))

    metrics = metrics_of(scored, IntervalParams(50, 0))

    assert metrics["roc_auc"].value == 1.0
    assert math.isfinite(metrics["roc_auc"].low)


def test_certain_and_wrong_is_costly_and_still_finite() -> None:
    scored = Scored(np.array([0.0, 1.0]), np.array([1, 0], dtype=np.int8), np.array([0, 0]))

    assert 30 < metrics_of(scored, IntervalParams(5, 0))["log_loss"].value < 40
