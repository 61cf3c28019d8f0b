"""The verdict on a challenger: better, worse, no difference that matters, inconclusive, or blocked by the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.arm_ratio import BLOCKING_P
from handrail.statistics.differences import Difference
from handrail.statistics.open_ended import lower_bound
from handrail.statistics.scored import Estimate
from handrail.statistics.simulation import Rule

Answer = Literal["better", "worse", "no_difference", "inconclusive", "blocked"]
Block = Literal["arm_ratio", "immature", "too_few"]
Standing = Literal["held", "broken", "open"]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """How a metric that must not get worse stands: `low` and `high` are one-sided bounds of the gain.

    `held` if the gain is above minus the margin for sure, `broken` if it is below, else `open`.
    """

    name: str
    standing: Standing
    gain: float
    low: float
    high: float
    margin: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What a verdict needs before the metric counts: the arms' ratio, mature cohorts, and enough subjects an arm."""

    arm_ratio_p: float = 1.0
    mature: bool = True
    fewest: int = 200

    def blocks(self, difference: Difference) -> tuple[Block, ...]:
        """Return why no verdict can be given at the last look, in the order in which to mend it."""
        units, variance = (float(np.ravel(of)[-1]) for of in (difference.units, difference.variance))
        found: dict[Block, bool] = {
            "arm_ratio": not self.arm_ratio_p >= BLOCKING_P,
            "immature": not self.mature,
            "too_few": not (units >= self.fewest and variance > 0),
        }
        return tuple(block for block, holds in found.items() if holds)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about a challenger, and what it rests on.

    `gain` is at the last look, its interval holds over all looks. `look` is the number of the look that decided, from
    0. `more_units` is about how many more subjects an arm would end an inconclusive one if the gain stays as it is;
    None where none would. `blocked_by` names what a blocked one waits for, `broken` the guardrails that made it worse.
    """

    answer: Answer
    gain: Estimate
    units: float
    look: int | None = None
    more_units: int | None = None
    blocked_by: tuple[Block, ...] = ()
    broken: tuple[str, ...] = ()


def guardrail(name: str, difference: Difference, margin: float, tau: float, alpha: float = 0.05) -> Guardrail:
    """Judge a guardrail metric, whose gain is positive where the challenger is better (`Difference.favouring`).

    Each bound is one-sided and holds over all looks with probability 1 - alpha, so that a guardrail can stop a
    comparison at any look.

    Raises:
        InvalidInput: the margin is negative, or tau or alpha are not what `OpenEnded` takes.
    """
    if not margin >= 0:
        raise InvalidInput("margin", f"{margin!r} is negative", "Say how much worse is still acceptable.")
    negated = replace(difference, gain=-difference.gain)
    low = float(np.max(lower_bound(difference, tau, alpha)))
    high = float(np.min(-lower_bound(negated, tau, alpha)))
    standing: Standing = "broken" if high < -margin else "held" if low >= -margin else "open"
    return Guardrail(name, standing, float(np.ravel(difference.gain)[-1]), low, high, margin)


def judge(
    difference: Difference,
    rule: Rule,
    checks: Checks,
    guardrails: Sequence[Guardrail] = (),
    margin: float | None = None,
) -> Verdict:
    """Judge a challenger whose gain is positive where it is better (`Difference.favouring`).

    The first look whose interval excludes 0 decides, of those with enough units. With a `margin`, an interval that
    lies within it is the answer that there is no difference that matters. Pass one look, or all of them (`at_looks`);
    a rule with a horizon needs all.

    Raises:
        InvalidInput: there is no look, or looks are not what the rule takes.
    """
    difference = Difference(*(np.atleast_1d(of) for of in (difference.gain, difference.variance, difference.units)))
    if not len(difference.gain):
        raise InvalidInput("looks", "there is none", "Pass the difference at one look or more.")
    units = float(difference.units[-1])
    blocked_by = checks.blocks(difference)
    if "too_few" in blocked_by:
        unknown = Estimate(float(difference.gain[-1]), math.nan, math.nan)
        return Verdict("blocked", unknown, units, blocked_by=blocked_by)
    # The rules hold for many units: the variance of a few may be anything, even nearly nothing.
    radius = np.where(difference.units >= checks.fewest, rule.radius(difference), np.inf)
    gain = _over_all_looks(difference.gain, radius)
    if blocked_by:
        return Verdict("blocked", gain, units, blocked_by=blocked_by)
    broken = tuple(one.name for one in guardrails if one.standing == "broken")
    decided = np.flatnonzero(np.abs(difference.gain) > radius)
    look = int(decided[0]) if len(decided) else None
    if broken or look is not None:
        better = not broken and look is not None and difference.gain[look] > 0
        return Verdict("better" if better else "worse", gain, units, look, broken=broken)
    if margin is not None and -margin <= gain.low and gain.high <= margin:
        return Verdict("no_difference", gain, units)
    needed = rule.units_to_decide(difference)
    more = max(1, math.ceil(needed - units)) if math.isfinite(needed) else None
    return Verdict("inconclusive", gain, units, more_units=more)


def _over_all_looks(gain: np.ndarray, radius: np.ndarray) -> Estimate:
    """Return the last gain with the part that all intervals share, or the last interval if they share none."""
    low, high = float(np.max(gain - radius)), float(np.min(gain + radius))
    if low > high:
        low, high = float(gain[-1] - radius[-1]), float(gain[-1] + radius[-1])
    return Estimate(float(gain[-1]), low, high)
