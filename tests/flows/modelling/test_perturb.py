from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from flows.steps.modelling.judge import Judge
from flows.steps.modelling.perturb import NOISE_LEVELS, Probe, importance, robustness
from handrail.statistics import Answers
from handrail.use_case import read_use_case

FLIGHTS = Judge(read_use_case(Path(__file__).parents[3]), 0.5)


@pytest.fixture
def probe() -> Probe:
    source = np.random.default_rng(1)
    encoded = source.normal(size=(500, 3))
    encoded[source.random(500) < 0.2, 2] = np.nan
    late = (encoded[:, 0] > 0).astype(np.int8)
    return Probe(
        answer=lambda inputs: Answers(1 / (1 + np.exp(-np.nan_to_num(inputs[:, 0])))),
        judge=FLIGHTS,
        encoded=encoded,
        features=("used", "unused", "holey"),
        coded=np.array([False, True, False]),
        label=late,
        seed=0,
    )


def seen(probe: Probe) -> tuple[Probe, list[np.ndarray]]:
    """Return a probe that keeps what its model is asked."""
    asked: list[np.ndarray] = []

    def answer(inputs: np.ndarray) -> Answers:
        asked.append(inputs)
        return probe.answer(inputs)

    return replace(probe, answer=answer), asked


def test_noise_is_a_share_of_the_spread_of_each_column_of_numbers_and_leaves_gaps_alone(probe: Probe) -> None:
    wide = replace(probe, encoded=probe.encoded * [1, 1, 100] + [0, 0, 1000])
    watched, asked = seen(wide)

    robustness(watched, {})

    undisturbed, *noisy = asked
    assert np.array_equal(undisturbed, wide.encoded, equal_nan=True)
    assert len(noisy) == len(NOISE_LEVELS)
    for level, inputs in zip(NOISE_LEVELS, noisy, strict=True):
        shift = inputs - wide.encoded
        assert np.nanstd(shift, axis=0) == pytest.approx(level * np.nanstd(wide.encoded, axis=0) * [1, 0, 1], rel=0.1)
        assert np.nanmean(shift, axis=0) == pytest.approx(0, abs=0.2 * level * 100)
        assert np.array_equal(np.isnan(inputs), np.isnan(wide.encoded))


def test_a_column_without_any_value_gets_no_noise(probe: Probe) -> None:
    encoded = probe.encoded.copy()
    encoded[:, 2] = np.nan
    watched, asked = seen(replace(probe, encoded=encoded))

    robustness(watched, {})

    assert all(np.isnan(inputs[:, 2]).all() for inputs in asked)


def test_a_group_of_columns_is_taken_away_as_a_whole_and_alone(probe: Probe) -> None:
    watched, asked = seen(probe)

    missing = robustness(watched, {"none": [], "two": ["used", "holey"]})["missing"]

    assert set(missing) == {"two"}
    assert np.isnan(asked[-1][:, [0, 2]]).all()
    assert np.array_equal(asked[-1][:, 1], probe.encoded[:, 1])


def test_an_effect_is_measured_against_the_undisturbed_answers(probe: Probe) -> None:
    # A score at the threshold itself counts as late, before and after.
    undisturbed = probe.encoded.copy()
    undisturbed[100:150, 0] = 0
    disturbed = undisturbed + [0.8, 0, 0]
    disturbed[:100, 0], disturbed[100:125, 0] = 0, -1
    before, after = (np.asarray(probe.answer(inputs).score) for inputs in (undisturbed, disturbed))

    effect = probe.effect(disturbed, Answers(before))

    area, lost = (
        roc_auc_score(probe.label, after),
        roc_auc_score(probe.label, before) - roc_auc_score(probe.label, after),
    )
    assert effect == {
        "roc_auc": pytest.approx(area, abs=1e-9),
        "roc_auc_lost": pytest.approx(lost, abs=1e-9),
        "mean_change": pytest.approx(np.abs(after - before).mean(), abs=1e-9),
        "labels_flipped": np.count_nonzero((after >= 0.5) != (before >= 0.5)) / 500,
    }
    assert 0 < effect["labels_flipped"] < 1
    assert all(value == round(value, 9) for value in effect.values())


def test_importance_shuffles_one_column_three_times_and_orders_by_the_loss(probe: Probe) -> None:
    weights = np.array([1.0, 0.0, 3.0])
    late = (np.nan_to_num(probe.encoded) @ weights > 0).astype(np.int8)
    watched, asked = seen(
        replace(probe, answer=lambda inputs: Answers(1 / (1 + np.exp(-np.nan_to_num(inputs) @ weights))), label=late)
    )

    lost = importance(watched)

    assert list(lost) == ["holey", "used", "unused"]
    assert len(asked) == 1 + 3 * 3
    for place, shuffles in enumerate((asked[1:4], asked[4:7], asked[7:10])):
        name, losses = probe.features[place], []
        for inputs in shuffles:
            others = np.delete(inputs, place, axis=1)
            assert np.array_equal(others, np.delete(probe.encoded, place, axis=1), equal_nan=True)
            assert np.array_equal(np.sort(inputs[:, place]), np.sort(probe.encoded[:, place]), equal_nan=True)
            assert not np.array_equal(inputs[:, place], probe.encoded[:, place], equal_nan=True)
            losses.append(1.0 - roc_auc_score(late, watched.answer(inputs).score))
        assert lost[name] == {
            "value": pytest.approx(np.mean(losses), abs=1e-9),
            "low": pytest.approx(min(losses), abs=1e-9),
            "high": pytest.approx(max(losses), abs=1e-9),
        }
        assert all(value == round(value, 9) for value in lost[name].values())


def test_features_of_equal_importance_are_in_the_order_of_their_names(probe: Probe) -> None:
    idle = replace(probe, answer=lambda inputs: Answers(np.full(len(inputs), 0.5)))

    assert list(importance(idle)) == ["holey", "unused", "used"]


def test_only_the_feature_in_use_is_important(probe: Probe) -> None:
    lost = importance(probe)

    assert list(lost)[0] == "used"
    assert lost["used"]["value"] == pytest.approx(0.5, abs=0.08)
    assert lost["unused"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_noise_costs_more_the_louder_it_is_and_spares_codes(probe: Probe) -> None:
    noise = robustness(probe, {"views": ["unused"]})["noise"]

    losses = [noise[level]["roc_auc_lost"] for level in ("0.05", "0.1", "0.25", "0.5")]
    assert losses == sorted(losses)
    assert losses[-1] > 0.01


def test_a_group_of_columns_that_nobody_uses_changes_nothing(probe: Probe) -> None:
    missing = robustness(probe, {"unused": ["unused", "holey"], "used": ["used"]})["missing"]

    assert missing["unused"]["labels_flipped"] == 0
    assert missing["used"]["roc_auc"] == 0.5
