from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import (
    Estimate,
    PartlyLabelled,
    arm_of_values,
    prediction_powered_difference,
    prediction_powered_mean,
)
from tests.fixtures.statistics.oracles import ORACLES

ORACLE = ORACLES["prediction_powered"]
LABELLED = len(ORACLE["label"])
ALL = np.array(ORACLE["predicted"] + ORACLE["unlabelled"])
ROWS = PartlyLabelled(np.r_[ORACLE["label"], np.full(len(ALL) - LABELLED, np.nan)], ALL)
ACTIVE = PartlyLabelled(np.array(ORACLE["active_label"], dtype=float), ALL, propensity=np.array(ORACLE["propensity"]))
SEEDS = st.integers(0, 1000)


def plain(found: Estimate) -> list[float]:
    return [found.value, found.low, found.high]


def some(seed: int, rows: int = 200, subjects: int = 50, active: bool = False) -> PartlyLabelled:
    source = np.random.default_rng(seed)
    truth = source.normal(2, 1, rows)
    chance = source.uniform(0.1, 0.6, rows)
    label = np.where(source.random(rows) < (chance if active else 0.3), truth, np.nan)
    label[:4] = truth[:4]
    guess = truth + source.normal(0, 0.5, rows)
    return PartlyLabelled(label, guess, source.integers(0, subjects, rows), chance if active else None)


def width(found: Estimate) -> float:
    return found.high - found.low


@pytest.mark.parametrize(("name", "lam"), [("zero", 0.0), ("half", 0.5), ("one", 1.0)])
def test_for_a_given_lambda_it_equals_ppi_python(name: str, lam: float) -> None:
    found = prediction_powered_mean(ROWS, lam).estimate

    value, low, high = ORACLE[name]
    assert found.value == pytest.approx(value, rel=1e-12)
    # They divide squares by n, we by n - 1 labelled clusters.
    wider = math.sqrt(LABELLED / (LABELLED - 1))
    assert found.high - found.value == pytest.approx((high - value) * wider, rel=1e-9)
    assert found.value - found.low == pytest.approx((value - low) * wider, rel=1e-9)


def test_the_tuned_lambda_is_that_of_ppi_python_up_to_its_pooled_variance() -> None:
    found = prediction_powered_mean(ROWS).estimate

    assert plain(found) == pytest.approx(ORACLE["tuned"], abs=0.005)
    for lam in (0.0, 0.5, 1.0):
        assert width(found) <= width(prediction_powered_mean(ROWS, lam).estimate)


def test_whole_clusters_equal_those_of_glide() -> None:
    found = prediction_powered_mean(replace(ROWS, cluster=np.array(ORACLE["cluster"])), 1.0).estimate

    value, _, high = ORACLE["clustered_one"]
    assert found.value == pytest.approx(value)
    # glide corrects the unlabelled clusters by their own number, we all by the number of labelled ones.
    assert found.high - found.value == pytest.approx(high - value, rel=0.01)


def test_active_labels_equal_those_of_glide() -> None:
    given, tuned = prediction_powered_mean(ACTIVE, 1.0).estimate, prediction_powered_mean(ACTIVE).estimate

    value, _, high = ORACLE["active_one"]
    assert given.value == pytest.approx(value, rel=1e-12)
    labelled, rows = np.isfinite(ACTIVE.label).sum(), len(ALL)
    correction = math.sqrt(labelled / (labelled - 1) * (rows - 1) / rows)
    assert given.high - given.value == pytest.approx((high - value) * correction, rel=1e-9)
    # Ours also tunes a constant.
    assert tuned.value == pytest.approx(ORACLE["active_tuned"][0], abs=0.02)
    assert width(tuned) <= (ORACLE["active_tuned"][2] - ORACLE["active_tuned"][1]) * correction


def test_useless_predictions_give_the_classical_mean() -> None:
    rows = some(0)
    constant = prediction_powered_mean(replace(rows, predicted=np.full(200, 0.1)))
    noise = prediction_powered_mean(replace(rows, predicted=np.random.default_rng(9).normal(size=200)))

    seen = np.isfinite(rows.label)
    assert rows.cluster is not None
    alone = arm_of_values(rows.label[seen], rows.cluster[seen])
    assert plain(constant.estimate) == pytest.approx(plain(constant.classical))
    assert constant.estimate.value == pytest.approx(float(alone.mean))
    assert width(constant.estimate) == pytest.approx(2 * 1.959964 * math.sqrt(float(alone.variance)), rel=1e-6)
    assert constant.effective == pytest.approx(constant.labelled)
    assert abs(noise.lam) < 0.3
    assert width(noise.estimate) > 0.9 * width(noise.classical)


def test_perfect_predictions_are_worth_as_many_labels_as_there_are_rows() -> None:
    source = np.random.default_rng(1)
    truth = source.normal(size=4000)
    rows = PartlyLabelled(np.where(np.arange(4000) < 100, truth, np.nan), truth)

    found = prediction_powered_mean(rows)

    assert found.lam == pytest.approx(3900 / 4000, abs=0.02)
    assert width(found.estimate) == pytest.approx(2 * 1.959964 / math.sqrt(4000), rel=0.05)
    assert found.effective > 2000
    assert (found.labelled, found.unlabelled) == (100, 3900)


@pytest.mark.parametrize("active", [False, True])
@given(seed=SEEDS)
def test_the_order_of_rows_and_the_names_of_clusters_do_not_matter(active: bool, seed: int) -> None:
    rows = some(seed, active=active)
    order = np.random.default_rng(seed).permutation(200)
    assert rows.cluster is not None

    moved = PartlyLabelled(
        rows.label[order],
        rows.predicted[order],
        np.array([f"s{99 - code}" for code in rows.cluster[order]]),
        None if rows.propensity is None else rows.propensity[order],
    )

    assert plain(prediction_powered_mean(moved).estimate) == pytest.approx(
        plain(prediction_powered_mean(rows).estimate)
    )


@pytest.mark.parametrize("active", [False, True])
@given(seed=SEEDS, shift=st.floats(-20, 20), scale=st.floats(0.1, 10))
def test_another_unit_and_origin_move_the_interval_along(active: bool, seed: int, shift: float, scale: float) -> None:
    rows = some(seed, active=active)
    moved = replace(rows, label=shift + scale * rows.label, predicted=3 - 2 * rows.predicted)

    expected = [shift + scale * end for end in plain(prediction_powered_mean(rows).estimate)]
    assert plain(prediction_powered_mean(moved).estimate) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(seed=SEEDS)
def test_intervals_nest(seed: int) -> None:
    wide, narrow = (prediction_powered_mean(some(seed), alpha=alpha).estimate for alpha in (0.01, 0.2))

    assert wide.low < narrow.low <= narrow.value <= narrow.high < wide.high


@pytest.mark.parametrize("active", [False, True])
def test_it_is_narrower_than_labels_alone_and_holds_the_truth_as_often_as_promised(active: bool) -> None:
    source, held, ratio = np.random.default_rng(2), 0, []
    for _ in range(300):
        subject = np.repeat(np.arange(400), 2)
        truth = 3 + source.normal(size=400)[subject] + source.normal(0, 0.5, 800)
        guess = truth + source.normal(0, 0.7, 800)
        chance = np.where(guess > 3, 0.5, 0.15) if active else np.full(800, 0.3)
        # Whole subjects are labelled or not.
        drawn = source.random(400)[subject] < chance[::2][subject]
        rows = PartlyLabelled(np.where(drawn, truth, np.nan), guess, subject, chance[::2][subject] if active else None)
        found = prediction_powered_mean(rows)
        held += found.estimate.low <= 3 <= found.estimate.high
        ratio.append(width(found.estimate) / width(found.classical))

    assert 0.92 <= held / 300 <= 0.98
    assert np.mean(ratio) < 0.8


def test_a_subject_in_both_arms_narrows_their_difference() -> None:
    source = np.random.default_rng(3)
    person = source.normal(0, 2, 300)

    def arm(gain: float) -> PartlyLabelled:
        truth = person + gain + source.normal(0, 0.3, 300)
        return PartlyLabelled(np.where(np.arange(300) < 100, truth, np.nan), truth + source.normal(0, 0.3, 300))

    champion, challenger = arm(0.0), arm(0.3)
    both = np.arange(300)
    same = prediction_powered_difference(replace(champion, cluster=both), replace(challenger, cluster=both))
    others = prediction_powered_difference(replace(champion, cluster=both), replace(challenger, cluster=both + 300))
    alone = prediction_powered_difference(champion, challenger)

    assert same.estimate.low < 0.3 < same.estimate.high
    assert width(same.estimate) < 0.5 * width(others.estimate)
    assert plain(others.estimate) == pytest.approx(plain(alone.estimate))
    means = [prediction_powered_mean(of).classical.value for of in (champion, challenger)]
    assert same.classical.value == pytest.approx(means[1] - means[0])


def test_arms_of_different_subjects_add_their_variances() -> None:
    first, second = some(4), replace(some(5), cluster=1000 + np.arange(200))

    found = prediction_powered_difference(first, second)

    apart = [prediction_powered_mean(of).estimate for of in (first, second)]
    assert found.estimate.value == pytest.approx(apart[1].value - apart[0].value)
    assert width(found.estimate) == pytest.approx(math.hypot(*map(width, apart)), rel=0.02)


def test_with_every_label_there_predictions_add_nothing() -> None:
    rows = replace(some(6), label=np.arange(200.0))

    found = prediction_powered_mean(rows)

    assert plain(found.estimate) == pytest.approx(plain(found.classical))
    assert (found.estimate.value, found.unlabelled) == (pytest.approx(99.5), 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"predicted": np.zeros(3)}, "differ in length"),
        ({"cluster": np.zeros(3)}, "differ in length"),
        ({"label": np.full(200, np.nan)}, "no row has a label"),
        ({"label": np.r_[1.0, np.full(199, np.nan)]}, "fewer than two clusters"),
        ({"label": np.full(200, np.inf)}, "not finite"),
        ({"predicted": np.full(200, np.nan)}, "not finite"),
        ({"propensity": np.zeros(200)}, "not above 0 and at most 1"),
        ({"propensity": np.full(200, 1.5)}, "not above 0 and at most 1"),
    ],
)
def test_rows_that_cannot_be_are_refused(change: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        prediction_powered_mean(replace(some(0), **change))


def test_clusters_are_for_both_arms_or_none() -> None:
    with pytest.raises(InvalidInput, match="both versions"):
        prediction_powered_difference(some(0), replace(some(1), cluster=None))
