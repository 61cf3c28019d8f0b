from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import (
    PartlyLabelled,
    draw_for_labelling,
    label_uncertainty,
    labelling_propensity,
    prediction_powered_mean,
)

UNCERTAIN = st.lists(st.floats(0, 10), min_size=1, max_size=50)


@given(uncertainty=UNCERTAIN, part=st.floats(0.01, 1), uniform=st.floats(0.01, 1))
def test_propensities_spend_the_budget_and_none_is_zero(uncertainty: list[float], part: float, uniform: float) -> None:
    budget = part * len(uncertainty)

    propensity = labelling_propensity(np.array(uncertainty), budget, uniform)

    assert propensity.sum() == pytest.approx(budget)
    assert (propensity > 0).all()
    assert (propensity <= 1).all()
    assert (propensity >= min(1.0, uniform * part) * (1 - 1e-9)).all()


@given(uncertainty=UNCERTAIN, scale=st.sampled_from([0.5, 8.0]))
def test_more_uncertain_predictions_are_labelled_rather_in_any_unit(uncertainty: list[float], scale: float) -> None:
    values = np.array(uncertainty)

    propensity = labelling_propensity(values, 0.4 * len(values))

    order = np.argsort(values)
    assert (np.diff(propensity[order]) >= -1e-12).all()
    assert labelling_propensity(scale * values, 0.4 * len(values)) == pytest.approx(propensity)


def test_what_is_far_more_uncertain_is_labelled_for_certain_and_the_rest_is_shared() -> None:
    propensity = labelling_propensity(np.array([100.0, 1.0, 1.0, 1.0]), 2, uniform=0.2)

    assert propensity.tolist() == [1, pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(1 / 3)]


def test_an_even_chance_is_the_most_uncertain() -> None:
    assert label_uncertainty(np.array([0.0, 0.5, 1.0])).tolist() == [0, 0.5, 0]


def test_a_draw_depends_on_seed_and_id_alone() -> None:
    ids = [f"p{number}" for number in range(4000)]
    propensity = np.full(4000, 0.25)

    drawn = draw_for_labelling(ids, propensity, "october")

    assert draw_for_labelling(ids[::-1], propensity, "october").tolist() == drawn[::-1].tolist()
    assert draw_for_labelling(ids[:9], propensity[:9], "october").tolist() == drawn[:9].tolist()
    assert draw_for_labelling(ids, propensity, "november").tolist() != drawn.tolist()
    assert drawn.mean() == pytest.approx(0.25, abs=3 * math.sqrt(0.25 * 0.75 / 4000))
    # What is drawn with a small propensity is drawn with a larger one too.
    assert (draw_for_labelling(ids, propensity + 0.1, "october") | ~drawn).all()


def test_chosen_labels_give_a_shorter_interval_than_random_ones_and_hold_the_truth_as_often() -> None:
    source, held, ratio, spent = np.random.default_rng(0), {"chosen": 0, "even": 0}, [], []
    for trial in range(120):
        # Most predictions are sure, few are not; and the model is a little wrong everywhere.
        guess = np.where(source.random(3000) < 0.85, source.beta(1, 200, 3000), source.beta(4, 4, 3000))
        chance = np.clip(guess * 0.9 + 0.003, 0, 1)
        label = (source.random(3000) < chance).astype(float)
        ids = [f"{trial}-{row}" for row in range(3000)]
        widths = {}
        for name, uncertainty in (("chosen", label_uncertainty(guess)), ("even", np.ones(3000))):
            propensity = labelling_propensity(uncertainty, 300)
            drawn = draw_for_labelling(ids, propensity, name)
            rows = PartlyLabelled(np.where(drawn, label, np.nan), guess, propensity=propensity)
            found = prediction_powered_mean(rows).estimate
            held[name] += found.low <= label.mean() <= found.high
            widths[name] = found.high - found.low
            spent.append(drawn.sum())
        ratio.append(widths["chosen"] / widths["even"])

    assert np.mean(ratio) < 0.8
    assert np.mean(spent) == pytest.approx(300, rel=0.02)
    for name, times in held.items():
        assert 0.9 <= times / 120 <= 1, name


@pytest.mark.parametrize(
    ("uncertainty", "budget", "uniform", "sentence"),
    [
        ([0.1, -0.1], 1, 0.2, "uncertainty"),
        ([0.1, math.nan], 1, 0.2, "uncertainty"),
        ([0.1, 0.2], 0, 0.2, "budget"),
        ([0.1, 0.2], 3, 0.2, "budget"),
        ([], 1, 0.2, "budget"),
        ([0.1, 0.2], 1, 0.0, "uniform"),
        ([0.1, 0.2], 1, 1.1, "uniform"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(
    uncertainty: list[float], budget: float, uniform: float, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        labelling_propensity(np.array(uncertainty), budget, uniform)


def test_ids_and_propensities_come_in_pairs() -> None:
    with pytest.raises(InvalidInput, match="differ in length"):
        draw_for_labelling(["a"], np.array([0.5, 0.5]), "x")
