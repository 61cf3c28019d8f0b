from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from handrail.errors import InvalidInput
from handrail.statistics import (
    ESTIMATED,
    Estimate,
    Intervals,
    Scored,
    calibrate,
    compare_in_hindsight,
    decisions,
    design_effect,
    estimate_performance,
    expected_rows,
)

ORACLE = json.loads((Path(__file__).parents[2] / "fixtures" / "statistics" / "nannyml.json").read_text("utf-8"))
ONCE = np.ones((1, 1))


def predictions(
    source: np.random.Generator, days: int, storms: float = 0.0, each: int = 40
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that exaggerate, their outcomes, and their days; a storm, which no score knows, moves all of its day."""
    day = np.repeat(np.arange(days), each)
    odds = source.normal(-1, 1, days * each)
    chance = 1 / (1 + np.exp(-odds - storms * source.normal(size=days)[day]))
    score = np.round(1 / (1 + np.exp(-1.4 * odds)), 3)
    return score, (source.random(days * each) < chance).astype(int), day


def test_expected_figures_equal_those_of_nannyml() -> None:
    calibration = calibrate(np.array(ORACLE["reference_score"]), np.array(ORACLE["reference_label"]))
    score, predicted = np.array(ORACLE["score"]), np.array(ORACLE["predicted"])
    probability = calibration.probability_of(score)
    rows = expected_rows(score, predicted, probability)

    found = {metric.name: metric.values(rows, ONCE)[0] for metric in ESTIMATED}

    assert probability == pytest.approx(ORACLE["probability"], abs=1e-9)
    for name in ("accuracy", "precision", "recall", "f1"):
        assert found[name] == pytest.approx(ORACLE[name], abs=1e-9), name
    # NannyML draws no line between tied scores.
    assert found["roc_auc"] == pytest.approx(ORACLE["roc_auc"], abs=2e-3)


def test_expected_losses_are_the_mean_over_both_outcomes() -> None:
    score, probability = np.array([0.2, 0.7]), np.array([0.3, 0.6])
    rows = expected_rows(score, np.array([0, 1]), probability)
    found = {metric.name: metric.values(rows, ONCE)[0] for metric in ESTIMATED}

    brier = probability * (1 - score) ** 2 + (1 - probability) * score**2
    loss = -probability * np.log(score) - (1 - probability) * np.log(1 - score)
    assert found["brier"] == pytest.approx(brier.mean())
    assert found["log_loss"] == pytest.approx(loss.mean())


def test_f1_equals_scikit_learn() -> None:
    source = np.random.default_rng(0)
    label, predicted, weight = source.integers(0, 2, 50), source.integers(0, 2, 50), source.uniform(0.5, 2, 50)
    scored = Scored(np.zeros(50), label, np.zeros(50, int), predicted, weight)
    none = Scored(np.zeros(2), np.zeros(2, int), np.zeros(2, int), np.zeros(2, int))

    assert decisions.f1(scored, ONCE)[0] == pytest.approx(f1_score(label, predicted, sample_weight=weight))
    assert math.isnan(decisions.f1(none, ONCE)[0])


@pytest.mark.parametrize("storms", [0.0, 0.6])
def test_realised_figures_are_in_the_interval_about_as_often_as_promised(storms: float) -> None:
    source, inside, trials = np.random.default_rng(1), {metric.name: 0 for metric in ESTIMATED}, 25
    for trial in range(trials):
        score, label, day = predictions(source, 60, storms)
        reference, new = day < 40, day >= 40
        predicted = (score > 0.5).astype(int)
        estimated = estimate_performance(
            Scored(score[reference], label[reference], day[reference]),
            score[new],
            predicted[new],
            Intervals(60, trial),
        )
        realised = Scored(score[new], label[new], day[new], predicted[new])
        for name, seen in compare_in_hindsight(estimated, realised).items():
            inside[name] += seen.covered

    # 60 draws make a percentile interval of about 92 %, and figures of the same predictions move together; without the
    # chance of labels or the days' storms they would be inside in about half of the trials.
    assert np.mean(list(inside.values())) / trials >= 0.83
    assert min(inside.values()) / trials >= 0.75


def test_a_model_that_got_worse_in_ways_that_scores_show_is_estimated_as_worse() -> None:
    source = np.random.default_rng(2)
    score, label, day = predictions(source, 60)
    reference = Scored(score, label, day)
    unsure = np.full(500, 0.45) + source.uniform(-0.05, 0.05, 500)

    before, now = (
        estimate_performance(reference, of, (of > 0.5).astype(int), Intervals(40, 0)) for of in (score, unsure)
    )

    assert now["accuracy"].high < before["accuracy"].low
    assert now["brier"].low > before["brier"].high
    assert set(now) == {metric.name for metric in ESTIMATED}


def test_the_order_of_rows_does_not_move_the_estimate() -> None:
    score, label, day = predictions(np.random.default_rng(3), 20)
    predicted, order = (score > 0.5).astype(int), np.random.default_rng(4).permutation(len(score))

    first = estimate_performance(Scored(score, label, day), score, predicted, Intervals(5, 0))
    second = estimate_performance(
        Scored(score[order], label[order], day[order]), score[order], predicted[order], Intervals(5, 0)
    )

    for name, found in first.items():
        assert found.value == pytest.approx(second[name].value), name


def test_days_that_share_their_outcome_have_a_design_effect() -> None:
    source = np.random.default_rng(5)
    score, label, day = predictions(source, 60)
    stormy = Scored(score, np.repeat(source.integers(0, 2, 60), 40), day)

    assert design_effect(Scored(score, label, np.arange(len(score)))) < 1.3
    assert design_effect(stormy) > 20
    assert design_effect(Scored(np.array([0.1, 0.9]), np.array([0, 1]), np.array([0, 1]))) == 1


def test_hindsight_says_by_how_much_and_whether_it_was_inside() -> None:
    realised = Scored(np.array([0.9, 0.2]), np.array([1, 1]), np.array([0, 1]), np.array([1, 0]))
    estimated = {"accuracy": Estimate(0.9, 0.8, 0.95), "recall": Estimate(0.6, 0.5, 0.7)}

    found = compare_in_hindsight(estimated, realised)

    assert set(found) == {"accuracy", "recall"}
    assert (found["accuracy"].error, found["accuracy"].covered) == (pytest.approx(0.4), False)
    assert (found["recall"].realised, found["recall"].covered) == (0.5, True)


@pytest.mark.parametrize(("score", "predicted"), [([], []), ([0.1], [0, 1]), ([math.nan], [1])])
def test_predictions_that_cannot_be_estimated_are_refused(score: list[float], predicted: list[int]) -> None:
    reference = Scored(np.array([0.1, 0.9]), np.array([0, 1]), np.array([0, 1]))

    with pytest.raises(InvalidInput, match="score"):
        estimate_performance(reference, np.array(score), np.array(predicted), Intervals(2, 0))
