from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_absolute_error,
    mean_poisson_deviance,
    r2_score,
    root_mean_squared_error,
)

from handrail.statistics import METRICS_OF, Intervals, Scored, draw_clusters, judgeable, metrics_of

NUMERIC = {"mae": mean_absolute_error, "rmse": root_mean_squared_error, "r2": r2_score}


@given(seed=st.integers(0, 10_000), offset=st.sampled_from([0.0, 1e6]))
def test_every_draw_of_numbers_equals_scikit_learn_on_the_drawn_rows(seed: int, offset: float) -> None:
    source = np.random.default_rng(seed)
    cluster = np.r_[np.arange(5), source.integers(0, 5, 55)]
    label = offset + source.normal(size=60)
    scored = Scored(label + source.normal(size=60), label, cluster)
    weights = draw_clusters(5, Intervals(3, seed))

    for metric in METRICS_OF["regression"]:
        if metric.name in NUMERIC:
            expected = [NUMERIC[metric.name](label, scored.score, sample_weight=of[cluster]) for of in weights]
            assert metric.values(scored, weights) == pytest.approx(expected, rel=1e-6)


@given(seed=st.integers(0, 10_000))
def test_every_draw_of_counts_has_scikit_learns_deviance(seed: int) -> None:
    source = np.random.default_rng(seed)
    cluster = np.r_[np.arange(5), source.integers(0, 5, 55)]
    scored = Scored(source.random(60) * 5 + 0.1, source.poisson(2, 60), cluster)
    weights = draw_clusters(5, Intervals(3, seed))
    deviance = next(metric for metric in METRICS_OF["count"] if metric.name == "poisson_deviance")

    expected = [mean_poisson_deviance(scored.label, scored.score, sample_weight=of[cluster]) for of in weights]

    assert deviance.values(scored, weights) == pytest.approx(expected)


@given(seed=st.integers(0, 10_000))
def test_every_draw_of_classes_equals_scikit_learn_on_the_drawn_rows(seed: int) -> None:
    source = np.random.default_rng(seed)
    cluster = np.r_[np.arange(4), source.integers(0, 4, 56)]
    label, predicted = source.integers(0, 3, 60), source.integers(0, 3, 60)
    scored = Scored(source.random(60), label, cluster, predicted)
    weights = draw_clusters(4, Intervals(3, seed))
    by_name = {metric.name: metric.values(scored, weights) for metric in METRICS_OF["multiclass"]}

    for row, of in enumerate(weights):
        drawn = np.repeat(np.arange(60), of[cluster].astype(int))
        assert by_name["accuracy"][row] == pytest.approx(accuracy_score(label[drawn], predicted[drawn]))
        assert by_name["macro_f1"][row] == pytest.approx(f1_score(label[drawn], predicted[drawn], average="macro"))


def test_a_constant_truth_explains_nothing_and_is_not_a_number() -> None:
    scored = Scored(np.array([1e8, 1e8 + 1]), np.array([1e8, 1e8]), np.array([0, 1]))

    assert np.isnan(metrics_of("regression", scored, Intervals(5, 0))["r2"].value)


@pytest.mark.parametrize(
    ("kind", "label", "expected"),
    [
        ("binary", [0, 1], True),
        ("binary", [1, 1], False),
        ("multiclass", [2, 2], False),
        ("regression", [3.0], True),
        ("count", [], False),
    ],
)
def test_a_classifier_is_judged_on_more_than_one_class(kind: str, label: list[float], expected: bool) -> None:
    assert judgeable(kind, np.array(label)) is expected


@pytest.mark.parametrize("metric", [metric for of in METRICS_OF.values() for metric in of])
def test_a_gain_is_positive_on_the_better_side(metric: object) -> None:
    better = getattr(metric, "better")  # noqa: B009
    gain = getattr(metric, "gain")  # noqa: B009

    assert gain(1.0, 2.0) == (1.0 if better == "lower" else -1.0)


@pytest.mark.parametrize("kind", ["regression", "count"])
def test_the_coefficient_of_determination_is_called_so(kind):
    titles = {metric.name: metric.title for metric in METRICS_OF[kind]}

    assert titles["r2"] == "R²"
