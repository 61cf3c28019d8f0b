from __future__ import annotations

import math

import numpy as np
import pytest

from handrail.errors import InvalidInput
from handrail.statistics import (
    Checks,
    Difference,
    FixedHorizon,
    Guardrail,
    OpenEnded,
    arm_of_values,
    difference_of_means,
    guardrail,
    judge,
    paired_difference,
)

RULE = OpenEnded(0.05)
READY = Checks()


def looks(*gains: float, first: float = 500.0, variance: float = 1.0) -> Difference:
    units = first * (1.0 + np.arange(len(gains)))
    return Difference(np.array(gains), variance / units, units)


def test_a_clear_gain_is_better_and_says_since_which_look() -> None:
    verdict = judge(looks(0.01, 0.3, 0.3), RULE, READY)

    assert (verdict.answer, verdict.look, verdict.units) == ("better", 1, 1500)
    assert verdict.gain.value == 0.3
    assert 0 < verdict.gain.low < 0.3 < verdict.gain.high
    assert verdict.more_units is None


def test_a_clear_loss_is_worse() -> None:
    verdict = judge(looks(-0.3, -0.3), RULE, READY)

    assert (verdict.answer, verdict.look) == ("worse", 0)
    assert verdict.gain.high < 0


def test_on_a_metric_that_is_better_when_lower_a_fall_is_better() -> None:
    assert judge(looks(-0.3).favouring("lower"), RULE, READY).answer == "better"


def test_what_once_decided_stays_decided() -> None:
    assert judge(looks(0.3, 0.3, 0.02), RULE, READY).answer == "better"


def test_looks_with_too_few_units_decide_nothing_and_narrow_nothing() -> None:
    """The variance of two days may be anything, even nearly nothing: its look would exclude whatever is true."""
    early = Difference(np.array([-0.2, 0.01]), np.array([1e-12, 1e-4]), np.array([2.0, 400.0]))

    verdict = judge(early, RULE, READY, margin=0.1)

    assert verdict.answer == "no_difference"
    assert verdict.gain.low < verdict.gain.value < verdict.gain.high


def test_inconclusive_says_about_how_many_more_would_end_it() -> None:
    small = looks(0.06)

    verdict = judge(small, RULE, READY)

    assert verdict.answer == "inconclusive"
    assert verdict.more_units is not None
    assert verdict.more_units > 0
    assert judge(looks(0.06, first=500.0 + verdict.more_units), RULE, READY).answer == "better"
    assert judge(looks(0.06, first=0.95 * (500.0 + verdict.more_units)), RULE, READY).answer == "inconclusive"


def test_without_any_gain_no_number_ends_it() -> None:
    assert judge(looks(0.0), RULE, READY).more_units is None


def test_a_horizon_ends_it_or_not() -> None:
    rule = FixedHorizon(1000)

    assert judge(looks(0.08), rule, READY).more_units == 500
    assert judge(looks(0.01), rule, READY).more_units is None


def test_an_interval_within_the_margin_is_no_difference_that_matters() -> None:
    certain = looks(0.001, first=20_000)

    assert judge(certain, RULE, READY, margin=0.05).answer == "no_difference"
    assert judge(certain, RULE, READY, margin=0.01).answer == "inconclusive"
    assert judge(certain, RULE, READY).answer == "inconclusive"
    assert judge(looks(0.04, first=20_000), RULE, READY, margin=0.2).answer == "better"


@pytest.mark.parametrize(
    ("checks", "blocked_by"),
    [
        (Checks(arm_ratio_p=0.0009), ("arm_ratio",)),
        (Checks(arm_ratio_p=math.nan), ("arm_ratio",)),
        (Checks(mature=False), ("immature",)),
        (Checks(fewest=1001), ("too_few",)),
        (Checks(arm_ratio_p=0.0, mature=False, fewest=5000), ("arm_ratio", "immature", "too_few")),
    ],
)
def test_a_fault_of_the_data_blocks_every_verdict(checks: Checks, blocked_by: tuple[str, ...]) -> None:
    broken = Guardrail("errors", "broken", -1.0, -2.0, -0.5, 0.0)

    for gains in ((0.3, 0.3), (-0.3, -0.3), (0.0, 0.0)):
        verdict = judge(looks(*gains), RULE, checks, [broken], margin=9.0)

        assert (verdict.answer, verdict.blocked_by) == ("blocked", blocked_by)
        assert (verdict.look, verdict.broken, verdict.more_units) == (None, (), None)


@pytest.mark.parametrize("checks", [Checks(arm_ratio_p=0.001), Checks(fewest=1000)])
def test_at_the_limit_itself_nothing_is_blocked(checks: Checks) -> None:
    assert judge(looks(0.3, 0.3), RULE, checks).answer == "better"


def test_values_that_never_vary_are_too_few() -> None:
    same = difference_of_means(arm_of_values(np.zeros(900)), arm_of_values(np.zeros(900)))

    verdict = judge(same, RULE, READY)

    assert verdict.blocked_by == ("too_few",)
    assert math.isnan(verdict.gain.low)


def test_a_broken_guardrail_makes_a_better_challenger_worse() -> None:
    harm = guardrail("latency", looks(-0.5, -0.5), 0.1, tau=0.1)

    verdict = judge(looks(0.3, 0.3), RULE, READY, [harm])

    assert harm.standing == "broken"
    assert (verdict.answer, verdict.broken) == ("worse", ("latency",))


def test_a_guardrail_is_held_broken_or_open() -> None:
    held, broken, still_open = (
        guardrail("errors", looks(gain, first=5000), 0.05, tau=0.05) for gain in (0.02, -0.15, -0.05)
    )

    assert (held.standing, broken.standing, still_open.standing) == ("held", "broken", "open")
    for one in (held, broken, still_open):
        assert one.low < one.gain < one.high


def test_a_guardrail_that_does_no_harm_breaks_at_any_of_a_hundred_looks_in_at_most_five_percent() -> None:
    source = np.random.default_rng(0)
    units = 100.0 * np.arange(1, 101)
    broken = 0
    for _ in range(300):
        gain = np.cumsum(source.normal(0, math.sqrt(2 * 100), 100)) / units
        broken += guardrail("errors", Difference(gain, 2 / units, units), 0.0, tau=0.05).standing == "broken"

    assert broken / 300 <= 0.05


def test_shadow_answers_about_the_same_requests_need_far_fewer_than_two_arms() -> None:
    source = np.random.default_rng(0)
    subject = np.repeat(np.arange(400), 3)
    champion = source.normal(0, 1, 400)[subject] + source.normal(0, 0.3, 1200)
    challenger = champion + source.normal(0.08, 0.3, 1200)

    paired = judge(paired_difference(challenger - champion, subject), RULE, READY)
    arms = judge(difference_of_means(arm_of_values(champion, subject), arm_of_values(challenger, subject)), RULE, READY)

    assert (paired.answer, arms.answer) == ("better", "inconclusive")


def test_intervals_of_all_looks_are_one_unless_they_share_nothing() -> None:
    both, apart = judge(looks(0.3, 0.25), RULE, READY), judge(looks(1.0, -1.0), RULE, READY)

    radius = RULE.radius(looks(0.3, 0.25))
    assert both.gain.low == pytest.approx(max(0.3 - radius[0], 0.25 - radius[1]))
    assert both.gain.high == pytest.approx(min(0.3 + radius[0], 0.25 + radius[1]))
    assert apart.gain.low == pytest.approx(-1 - RULE.radius(looks(1.0, -1.0))[1])


def test_no_look_and_a_negative_margin_are_refused() -> None:
    with pytest.raises(InvalidInput, match="there is none"):
        judge(Difference(np.zeros(0), np.zeros(0), np.zeros(0)), RULE, READY)
    with pytest.raises(InvalidInput, match="negative"):
        guardrail("errors", looks(0.1), -0.1, tau=0.1)
