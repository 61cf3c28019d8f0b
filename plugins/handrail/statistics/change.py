"""Whether columns changed, with a kept promise on false alarms: e-values from ranks of whole units, and e-BH.

**Null hypothesis.** The units of the reference (weeks, say) and those since a start are exchangeable: any order of
them was equally likely. Within a unit rows may depend on each other in any way, and so may columns on each other.

**One payoff.** Of n units, the last is compared with all n by a score of its summary. Each of n ranks has a payoff, and
the n payoffs have the mean 1; units of equal score share the payoffs of their ranks. Under the null hypothesis the last
unit is equally likely each of the n, so its expected payoff is 1, *whatever the n units are and whatever came later*.

**One e-value.** Payoffs of successive units are multiplied. Take the product's expectation backwards in time, from the
first unit on: given the set of the first n units and everything after them, the n-th payoff has mean 1 and the later
ones are fixed, so it can be dropped; then the next. The product has mean 1 (conformal test martingales: Vovk,
Gammerman, Shafer, Algorithmic Learning in a Random World, 2022, ch. 8). The distribution is not known and not
estimated: the sampling error of the reference is in the ranks, however short it is. A mean of such products over
starts, sizes and aspects, with weights that sum to 1, has mean 1 too: that is `evidence_of_change`. It is large soon
after a change at any of those starts, as in e-detectors (Shin, Ramdas, Rinaldo 2022), and looks at nothing before the
earliest start.

**One look.** e-BH (Wang, Ramdas 2022) over the columns at level a names one only if the weighted mean of all e-values
reaches 1 / a, which by Markov happens with probability a at most, however columns depend on each other. So looks at
level a give, on average, at most a false alarms each, and h looks at level b / h give b of them, however looks depend
on each other: `budget_level`. Of the columns that are named, on average a share of a at most did not change.

What would break it: units that are not exchangeable without a change, as where a season is missing in the reference,
or where what happens in one unit lasts into the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.normal import upper_tail
from handrail.statistics.unit_summaries import Summaries

SIZES = (1.0, 2.0, 4.0)
"""How far, in standard deviations of units, the changes are that payoffs are made for."""
_FAR = 12.0
_EITHER = (*SIZES, *(-size for size in SIZES))
ASPECTS = {"level": (0.5, _EITHER), "profile": (0.3, SIZES), "missing": (0.2, _EITHER)}
"""How much of a column's evidence each aspect is given, and the changes of its scores that it looks for."""


def budget_level(false_alarms: float, looks: float) -> float:
    """Return the level of one look, so that `looks` of them raise at most `false_alarms` on average.

    Raises:
        InvalidInput: the level is not between 0 and 1.
    """
    level = false_alarms / looks if looks > 0 else 0.0
    if not 0 < level < 1:
        problem = f"{false_alarms:g} false alarms in {looks:g} looks give {level:g} a look"
        raise InvalidInput("budget", problem, "Allow fewer than one a look, and more than none.")
    return level


def evidence_of_change(reference: Summaries, recent: Summaries, season: Sequence[np.ndarray] | None = None) -> float:
    """Return the e-value against the hypothesis that a column did not change, as of the last recent unit.

    `reference` has n units and `recent` the m of the window that is looked at, in order of time. `season` are codes of
    both, (n,) and (m,): a unit is compared with those of its own season alone.

    Mean 1 at most if nothing changed; 1 without a recent unit or without one to compare with. Cost: m^2 (n + m).
    """
    if not len(recent) or not len(reference):
        return 1.0
    bags = _bags(len(reference), len(recent), season)
    together = reference.followed_by(recent)
    found = 0.0
    for name, (share, sizes) in ASPECTS.items():
        if reference.categorical and name != "missing":
            share = ASPECTS["level"][0] + ASPECTS["profile"][0] if name == "profile" else 0.0
        if share:
            found += share * _of_aspect(bags, _scores(name, together, bags), sizes)
    return found


@dataclass(frozen=True, slots=True)
class _Bags:
    """For each start and each later unit of the recent ones, the units that this one is compared with.

    `start`, `last` (pairs,) are indices of units, `within` (pairs, units) says which belong to the bag of the pair,
    `changed` (pairs,) how many of them are recent.
    """

    start: np.ndarray
    last: np.ndarray
    within: np.ndarray
    changed: np.ndarray


def _bags(before: int, recent: int, season: Sequence[np.ndarray] | None) -> _Bags:
    start, last = (before + each for each in np.triu_indices(recent))
    unit = np.arange(before + recent)
    within = (unit < before) | ((unit >= start[:, None]) & (unit <= last[:, None]))
    if season is not None:
        codes = np.concatenate([np.asarray(each) for each in season])
        within &= codes == codes[last][:, None]
    return _Bags(start, last, within, within[:, before:].sum(axis=1))


def _of_aspect(bags: _Bags, scores: np.ndarray, sizes: Sequence[float]) -> float:
    """Return the mean of the products over starts and sizes; the scores are (pairs, units)."""
    paid = payoffs(scores, bags.last, bags.within, bags.changed, sizes)
    by_start = np.split(paid, np.unique(bags.start, return_index=True)[1][1:])
    return float(np.mean([each.prod(axis=0).mean() for each in by_start]))


def _scores(name: str, units: Summaries, bags: _Bags) -> np.ndarray:
    """Return a score for each unit of each bag, (pairs, units): a function of its summary and of the set of them."""
    if name != "profile":
        plain: np.ndarray = getattr(units, name)
        return np.broadcast_to(plain, bags.within.shape)
    known = np.isfinite(units.profile).all(axis=1)
    profile, within = np.where(known[:, None], units.profile, 0.0), bags.within & known
    number = within.sum(axis=1)[:, None, None]
    whole = (within.astype(np.float64) @ profile)[:, None, :]
    apart = profile - (whole - profile) / np.maximum(number - 1, 1)
    if units.categorical:
        shares = whole / np.maximum(number, 1)
        distance = np.divide(np.square(apart), shares, out=np.zeros_like(apart), where=shares > 0).sum(axis=2)
    else:
        distance = np.abs(apart).sum(axis=2)
    return np.where(known, distance, np.nan)


def payoffs(
    scores: np.ndarray, last: np.ndarray, within: np.ndarray, changed: np.ndarray, sizes: Sequence[float]
) -> np.ndarray:
    """Return the payoff of the last unit of each bag for each size of change, (bags, sizes).

    `scores` and `within` are (bags, units), `last` (bags,) the index of the last unit, `changed` (bags,) how many of
    the bag came after the start, the last one included. A size is in standard deviations, were scores normal and had
    those moved by it: a rank is paid by how much more often the last unit would land there than one of the bag does.
    Negative sizes are for falls. Over the units of a bag the payoffs have mean 1, exactly. A unit whose score is NaN is
    paid 1, and counts for no other.
    """
    mine = scores[np.arange(len(last)), last][:, None]
    known = within & ~np.isnan(scores)
    # Scores of equal units may differ in the last digits.
    near = 1e-9 * np.maximum(1.0, np.abs(mine))
    with np.errstate(invalid="ignore"):
        above = (known & (scores > mine + near)).sum(axis=1)
        tied = (known & (np.abs(scores - mine) <= near)).sum(axis=1)
    number = known.sum(axis=1)
    paid = np.ones((len(last), len(sizes)))
    for row in np.flatnonzero((tied > 0) & (number > 1)):
        sums = _summed_ranks(int(number[row]), int(min(changed[row], number[row])), tuple(sizes))
        first, of = above[row], tied[row]
        paid[row] = (sums[:, first + of] - sums[:, first]) / of
    return paid


@lru_cache(maxsize=4096)
def _summed_ranks(units: int, changed: int, sizes: tuple[float, ...]) -> np.ndarray:
    """Return the payoffs of the ranks from the top, summed up to each, (sizes, units + 1)."""
    return np.array([_summed(units, changed / units, size) for size in sizes])


def _summed(units: int, changed: float, size: float) -> np.ndarray:
    """Return what a unit that moved by `size` is paid in the first ranks, summed up, (units + 1,).

    A share `changed` of the bag moved alike: a rank is a quantile of the mixture of those and the others.
    """
    grid = np.linspace(-_FAR, _FAR, 4001)
    moved, still = upper_tail(grid - size), upper_tail(grid)
    share = changed * moved + (1 - changed) * still
    ranks = np.arange(units + 1) / units
    summed: np.ndarray = units * np.interp(ranks, share[::-1], moved[::-1])
    return summed


def named_by_ebh(
    evidence: Mapping[str, float], level: float, weights: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Return which columns changed by the e-BH procedure at a level, those with most evidence first.

    `weights` say how much of the level each column gets, in any unit; the same for each if None. On average a share of
    `level` at most of those that are named did not change (Wang, Ramdas, False discovery rate control with e-values,
    2022, section 5), and nothing is named with probability 1 - level at least where none did.
    """
    columns = len(evidence)
    given = weights or dict.fromkeys(evidence, 1.0)
    whole = sum(given[name] for name in evidence)
    scaled = {name: value * given[name] * columns / whole for name, value in evidence.items()}
    ranked = sorted(scaled, key=lambda name: (-scaled[name], name))
    held = [rank for rank, name in enumerate(ranked, 1) if rank * scaled[name] >= columns / level]
    return tuple(ranked[: max(held, default=0)])
