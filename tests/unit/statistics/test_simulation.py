from __future__ import annotations

from dataclasses import replace

import pytest

from handrail.errors import InvalidInput
from handrail.statistics import Experiment, FixedHorizon, OpenEnded, Rule, simulate, simulate_false_positives

# 10 % base rate, 100 looks, 20,000 an arm; the challenger has 11.5 %.
SAME = Experiment(trials=1500)
BETTER = replace(SAME, challenger_rate=0.115, seed=1)
OPEN = OpenEnded(0.015)


def test_open_ended_looking_keeps_its_promise_where_naive_looking_does_not() -> None:
    found = simulate_false_positives(OPEN, SAME)

    assert found.decided <= 0.05
    assert 0.29 <= found.naive <= 0.42
    assert found.better == pytest.approx(found.decided / 2, abs=0.02)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("champion_rate", [0.1, None])
def test_a_horizon_uses_its_error_and_no_more(spending: str, champion_rate: float | None) -> None:
    found = simulate_false_positives(
        FixedHorizon(20_000, spending=spending), replace(SAME, champion_rate=champion_rate)
    )

    # Two standard errors of 1,500 trials around 5 %.
    assert 0.035 <= found.decided <= 0.062


@pytest.mark.parametrize("rule", [OPEN, FixedHorizon(20_000, spending="pocock")])
def test_a_better_challenger_is_found_before_half_of_the_horizon(rule: Rule) -> None:
    found = simulate(rule, BETTER)

    assert found.better >= 0.965
    assert found.mean_stop <= 0.4 * 20_000
    assert found.decided - found.better <= 0.001


def test_a_worse_challenger_is_never_called_better() -> None:
    found = simulate(OPEN, replace(SAME, challenger_rate=0.08, trials=300))

    assert found.decided > 0.99
    assert found.better == 0


def test_normal_values_differ_by_their_means() -> None:
    normal = Experiment(units=2000, looks=20, champion_rate=None, challenger_rate=0.2, trials=400)

    found = simulate(OpenEnded(0.2), normal)

    assert found.better > 0.97
    assert simulate_false_positives(OpenEnded(0.2), normal).decided < 0.06


def test_the_same_seed_gives_the_same_figures() -> None:
    small = replace(SAME, trials=50)

    assert simulate(OPEN, small) == simulate(OPEN, small)
    assert simulate(OPEN, small) != simulate(OPEN, replace(small, seed=9, trials=60))


@pytest.mark.parametrize(
    "change", [{"units": 0}, {"looks": 0}, {"trials": 0}, {"looks": 30_000}, {"champion_rate": 1.2}]
)
def test_an_experiment_that_is_none_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        simulate_false_positives(OPEN, replace(SAME, **change))
