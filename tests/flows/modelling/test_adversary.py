"""Small plausible changes that turn answers, beside a model whose weak points are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.steps.modelling.adversary import Attacked, attack, scattered, unseen
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.perturb import Probe
from handrail.limits import Moves
from handrail.statistics import Answers, Intervals
from handrail.use_case import read_use_case

FLIGHTS = Judge(read_use_case(Path(__file__).parents[3]), 0.5)
DRAWS = Intervals(50, 0)
CLUSTER = np.repeat(np.arange(20), 20)


def _probe(weights, encoded=None):
    source = np.random.default_rng(1)
    encoded = source.normal(size=(400, 4)) if encoded is None else encoded
    asked = []

    def answer(inputs):
        asked.append(inputs)
        return Answers(1 / (1 + np.exp(-np.nan_to_num(inputs) @ np.array(weights))))

    probe = Probe(
        answer=answer,
        judge=FLIGHTS,
        encoded=encoded,
        features=("one", "two", "three", "code"),
        coded=np.array([False, False, False, True]),
        label=(np.nan_to_num(encoded) @ np.array(weights) > 0).astype(np.int8),
        seed=0,
    )
    return probe, asked


def _attack(probe, **moves):
    return attack(Attacked(probe, CLUSTER, Moves(**moves)), DRAWS)


def test_exactly_the_rows_within_reach_are_turned():
    probe, _ = _probe((1.0, 0.0, 0.0, 0.0))

    found = _attack(probe, step=0.2, most=3)

    one = probe.encoded[:, 0]
    assert found["flippable"] == pytest.approx((np.abs(one) <= 0.2 * one.std()).mean(), abs=0.01)
    assert found["flippable_low"] <= found["flippable"] <= found["flippable_high"]
    assert found["flipped_by_chance"] < found["flippable"]
    assert found["rows"] == 400


def test_several_features_reach_further_than_one():
    probe, _ = _probe((1.0, 1.0, 1.0, 0.0))

    found = [_attack(probe, most=most)["flippable"] for most in (1, 2, 3)]

    assert found == sorted(found)
    assert found[0] < found[2]


def test_every_change_is_plausible():
    probe, asked = _probe((1.0, 1.0, 1.0, 1.0))
    probe.encoded[:, 1] = np.floor(probe.encoded[:, 1] * 10)
    asked.clear()

    _attack(probe, step=0.2, most=2, fixed=["three"], up=["one"])

    lowest, highest = probe.encoded.min(axis=0), probe.encoded.max(axis=0)
    for inputs in asked[-2:]:
        shift = inputs - probe.encoded
        assert (inputs >= lowest).all()
        assert (inputs <= highest).all()
        assert not shift[:, [2, 3]].any()
        assert (shift[:, 0] >= 0).all()
        assert (np.abs(shift) <= 0.2 * probe.encoded.std(axis=0) + 1e-9).all()
        assert (inputs[:, 1] == np.floor(inputs[:, 1])).all()
        assert ((shift != 0).sum(axis=1) <= 2).all()


def test_a_model_of_what_cannot_move_is_safe():
    probe, _ = _probe((1.0, 0.0, 0.0, 1.0))

    assert _attack(probe, fixed=["one"])["flippable"] == 0


def test_a_gap_stays_a_gap():
    probe, asked = _probe((1.0, 1.0, 0.0, 0.0))
    probe.encoded[:50, 0] = np.nan
    asked.clear()

    _attack(probe)

    assert all(np.isnan(inputs.reshape(-1, 400, 4)[:, :50, 0]).all() for inputs in asked)


def test_numbers_are_moved_as_far_as_they_go():
    case = FLIGHTS.case.model_copy(update={"label": FLIGHTS.case.label.model_copy(update={"kind": "regression"})})
    probe, _ = _probe((1.0, 0.0, 0.0, 0.0))
    numbers = replace(probe, judge=Judge(case, None), answer=lambda inputs: Answers(inputs @ np.array([2.0, 0, 0, 0])))

    found = _attack(numbers, step=0.1)

    assert found["change"] == pytest.approx(2 * 0.1 * probe.encoded[:, 0].std(), rel=0.02)
    assert found["change_by_chance"] < found["change"]


def test_a_category_that_training_never_saw_has_no_code():
    probe, asked = _probe((1.0, 0.0, 0.0, 2.0))
    asked.clear()

    found = unseen(probe)

    assert set(found) == {"code"}
    assert np.isnan(asked[-1][:, 3]).all()
    assert np.array_equal(asked[-1][:, :3], probe.encoded[:, :3])
    assert found["code"]["roc_auc_lost"] > 0.1


def test_more_missing_values_cost_more():
    found = scattered(_probe((1.0, 0.5, 0.2, 0.0))[0])

    assert 0 < found["0.05"]["roc_auc_lost"] < found["0.2"]["roc_auc_lost"]


def test_the_same_seed_finds_the_same():
    assert _attack(_probe((1.0, 1.0, 0.0, 0.0))[0]) == _attack(_probe((1.0, 1.0, 0.0, 0.0))[0])
