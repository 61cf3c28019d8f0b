"""What a rule of stopping does when nothing differs, and when something does, beside looking naively at every look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.differences import Difference, difference_of_proportions
from handrail.statistics.normal import two_sided


class Rule(Protocol):
    """A rule of stopping, such as `OpenEnded` and `FixedHorizon`."""

    @property
    def alpha(self) -> float:
        """The probability of an error, over all looks together."""

    def radius(self, difference: Difference) -> np.ndarray:
        """Return the half width of the interval at each look, (..., looks)."""

    def units_to_decide(self, difference: Difference) -> float:
        """Return how many units an arm needs in all if the gain stays as at the last look."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is simulated: subjects an arm at the last look, equally spaced looks, and the seed.

    With rates, outcomes are 0 and 1; a `champion_rate` of None gives normal values of variance 1, and then
    `challenger_rate` is the difference of their means.
    """

    units: int = 20_000
    looks: int = 100
    champion_rate: float | None = 0.1
    challenger_rate: float | None = None
    trials: int = 2000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Simulation:
    """Shares of simulated experiments: where the rule said that versions differ, and where naive looking did.

    `better` is the share where the rule found the challenger better. `mean_stop` is the mean number of subjects an arm
    at which it decided, the last look where it did not.
    """

    decided: float
    naive: float
    better: float
    mean_stop: float
    trials: int


def simulate(rule: Rule, experiment: Experiment) -> Simulation:
    """Run a rule on simulated experiments; naive looking compares |z| with the bound for a single look.

    Raises:
        InvalidInput: a count is below 1, there are more looks than subjects, or a rate is not between 0 and 1.
    """
    difference = _drawn(experiment)
    away = np.abs(difference.gain)
    found = away > rule.radius(difference)
    naive = away > two_sided(rule.alpha) * np.sqrt(difference.variance)
    first, some = np.argmax(found, axis=1), found.any(axis=1)
    units = difference.units[0]
    gain = difference.gain[np.arange(len(first)), first]
    return Simulation(
        decided=float(some.mean()),
        naive=float(naive.any(axis=1).mean()),
        better=float((some & (gain > 0)).mean()),
        mean_stop=float(np.where(some, units[first], units[-1]).mean()),
        trials=experiment.trials,
    )


def simulate_false_positives(rule: Rule, experiment: Experiment) -> Simulation:
    """Run a rule where both versions are the champion: `decided` is its rate of false positives, `naive` of peeking.

    Raises:
        InvalidInput: as `simulate`.
    """
    same = 0.0 if experiment.champion_rate is None else experiment.champion_rate
    return simulate(rule, replace(experiment, challenger_rate=same))


def _drawn(of: Experiment) -> Difference:
    """Draw the difference at each look, arrays of (trials, looks)."""
    if min(of.units, of.looks, of.trials) < 1 or of.looks > of.units:
        raise InvalidInput("experiment", "a count is below 1, or looks are more than subjects", "Use fewer looks.")
    source = np.random.default_rng(of.seed)
    units = np.round(np.arange(1, of.looks + 1) * of.units / of.looks)
    new = np.diff(units, prepend=0.0)
    shape = (of.trials, of.looks)
    if of.champion_rate is None:
        steps = source.normal(new * (of.challenger_rate or 0.0), np.sqrt(2 * new), shape)
        gain = np.cumsum(steps, axis=1) / units
        return Difference(gain, np.broadcast_to(2 / units, shape), np.broadcast_to(units, shape))
    rates = (of.champion_rate, of.champion_rate if of.challenger_rate is None else of.challenger_rate)
    if not all(0 <= rate <= 1 for rate in rates):
        raise InvalidInput(
            "rate", f"{rates[0]:g} or {rates[1]:g} is not between 0 and 1", "Use the share of successes."
        )
    subjects = np.broadcast_to(units, shape)
    first, second = (
        (np.cumsum(source.binomial(new.astype(np.int64), rate, shape), axis=1), subjects) for rate in rates
    )
    return difference_of_proportions(first, second)
