"""Compares two versions by the statistics of the house: the differences at each look, what blocks, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.comparison_plan import (
    FEWEST,
    ComparisonArm,
    ComparisonPlan,
    Guard,
    Measure,
    VersionComparison,
)
from handrail.feedback.domain.looks import paired_looks, split_looks
from handrail.feedback.domain.observations import MICROSECONDS_A_DAY, Observed, observe, pair_up, side_of
from handrail.statistics import (
    Checks,
    Difference,
    Experiment,
    FixedHorizon,
    Guardrail,
    OpenEnded,
    Rule,
    Simulation,
    Verdict,
    arm_ratio_p_value,
    at_looks,
    guardrail,
    judge,
    simulate_false_positives,
)

CLOSEST = 2e-4
"""A look that adds less than this share of a horizon waits for the next day."""
MOST_SIMULATED_LOOKS = 100
TRIALS = 2000


@dataclass(frozen=True, slots=True)
class Versions:
    """Both versions as two cohorts of one kind, and what the metric makes of their rows.

    `one` and `other` hold the rows that are compared: pairs in equal places, or those of subjects that one arm alone
    has; `crossed` counts the subjects that both arms had.
    """

    champion: Cohort
    challenger: Cohort
    one: Observed
    other: Observed
    paired: bool
    crossed: int

    @property
    def pairs(self) -> int:
        """How many cases both answered."""
        return len(self.one.value) if self.paired else 0


def compare_cohorts(
    plan: ComparisonPlan, cohorts: Mapping[str, Cohort], window: tuple[datetime | None, datetime]
) -> VersionComparison:
    """Judge the challenger of a plan against its champion.

    Args:
        plan: what is compared, by which rule.
        cohorts: the predictions of the window with what is known of them, for each kind of the plan.
        window: when the predictions were made, [start, end); None: since the first one.

    Raises:
        InvalidInput: a version has no prediction, the metric does not judge such labels, or nothing says which shares
            the arms should have.
    """
    main = _versions(plan, cohorts, plan.measure, plan.paired)
    others = [_versions(plan, cohorts, guard.measure, main.paired) for guard in plan.guards]
    rule = rule_of(plan)
    difference = _difference(plan, plan.measure, main)
    guards = tuple(_guarded(plan, guard, other) for guard, other in zip(plan.guards, others, strict=True))
    mature = all(all(each.mature) for version in (main, *others) for each in (version.champion, version.challenger))
    ratio_p = 1.0 if main.paired else _ratio_p(plan, main)
    looks = len(difference.gain)
    verdict = _judged(plan, rule, difference, Checks(ratio_p, mature, FEWEST[plan.unit]), guards)
    units = float(difference.units[-1]) if looks else 0.0
    return VersionComparison(
        plan=plan,
        verdict=verdict,
        champion=_arm(plan.sides.champion, main.champion, main.one),
        challenger=_arm(plan.sides.challenger, main.challenger, main.other),
        paired=main.paired,
        pairs=main.pairs,
        crossed=main.crossed,
        ratio_p=ratio_p,
        mature=mature,
        looks=looks,
        units=units,
        days_left=_days_left(verdict, main, units),
        guardrails=guards,
        simulated=_simulated(plan, rule, difference) if looks else None,
        start=window[0],
        end=window[1],
        as_of=main.champion.scope.as_of,
    )


def rule_of(plan: ComparisonPlan) -> OpenEnded | FixedHorizon:
    """Return the rule of stopping that a plan names."""
    if plan.design == "fixed_horizon":
        return FixedHorizon(float(plan.horizon or 0), plan.alpha)
    return OpenEnded(float(plan.smallest or 0), plan.alpha)


def _versions(plan: ComparisonPlan, cohorts: Mapping[str, Cohort], measure: Measure, paired: bool | None) -> Versions:
    sides, cohort = plan.sides, cohorts[measure.kind]
    champion, challenger = (side_of(cohort, sides, name) for name in (sides.champion, sides.challenger))
    for name, found in ((sides.champion, champion), (sides.challenger, challenger)):
        if not len(found):
            remedy = "See which there are: handrail feedback status; or choose another window."
            raise InvalidInput(f"{sides.by}s", f"{name!r} made no prediction in the window", remedy)
    one, other = observe(champion, measure.metric), observe(challenger, measure.metric)
    rows, others = pair_up(one, other) if paired is not False else (np.zeros(0, int), np.zeros(0, int))
    if paired is None:
        paired = bool(2 * len(rows) > min(len(one.value), len(other.value)))
    if paired:
        return Versions(champion, challenger, one.part(rows), other.part(others), True, 0)
    crossed = np.intersect1d(one.subject, other.subject)
    one, other = (each.part(~np.isin(each.subject, crossed)) for each in (one, other))
    return Versions(champion, challenger, one, other, False, len(crossed))


def _arm(name: str, cohort: Cohort, compared: Observed) -> ComparisonArm:
    known = compared.known
    return ComparisonArm(
        name=name,
        deployments=tuple(sorted(set(cohort.deployment))),
        predictions=len(cohort),
        subjects=len(set(cohort.subject)),
        judged=len(known.value),
        coverage=cohort.coverage,
        mean=float(np.average(known.value, weights=known.weight)) if len(known.value) else None,
    )


def _difference(plan: ComparisonPlan, measure: Measure, versions: Versions) -> Difference:
    """Return the challenger's gain at each look, positive where it is better; no look where nothing is known."""
    step = CLOSEST * (plan.horizon or 0)
    looks_of = paired_looks if versions.paired else split_looks
    looks = looks_of(versions.one, versions.other, plan.unit)
    taken: list[Difference] = []
    for look in looks:
        if float(look.units) > (float(taken[-1].units) if taken else 0.0) + step:
            taken.append(look)
    difference = at_looks(taken)
    return difference.favouring(measure.side or "higher")


def _guarded(plan: ComparisonPlan, guard: Guard, versions: Versions) -> Guardrail:
    name = f"{guard.measure.kind}:{guard.measure.metric}"
    difference = _difference(plan, guard.measure, versions)
    many = difference.units >= FEWEST[plan.unit]
    difference = Difference(difference.gain[many], difference.variance[many], difference.units[many])
    if not len(difference.gain):
        return Guardrail(name, "open", math.nan, -math.inf, math.inf, guard.margin)
    return guardrail(name, difference, guard.margin, tau=guard.margin, alpha=plan.alpha)


def _ratio_p(plan: ComparisonPlan, versions: Versions) -> float:
    """Return the smaller p-value of the arms' shares: of all subjects, and of those with a known outcome."""
    shares = np.array(plan.shares or _recorded_shares(versions))
    whole = [_first_days(observe(each, "latency_ms")) for each in (versions.champion, versions.challenger)]
    known = [_first_days(each.known) for each in (versions.one, versions.other)]
    return min(float(_ratio(firsts, shares)) for firsts in (whole, known))


def _first_days(observed: Observed) -> np.ndarray:
    """Return on which day each subject came first, sorted."""
    _, first = np.unique(observed.subject[np.argsort(observed.made_at, kind="stable")], return_index=True)
    return np.sort(np.sort(observed.made_at)[first] // MICROSECONDS_A_DAY)


def _ratio(firsts: Sequence[np.ndarray], shares: np.ndarray) -> float:
    days = np.union1d(*firsts)
    if not len(days):
        return 1.0
    counts = np.stack([np.searchsorted(each, days, side="right") for each in firsts], axis=1)
    return float(arm_ratio_p_value(counts, shares)[-1])


def _recorded_shares(versions: Versions) -> tuple[float, float]:
    """Return the shares that the recorded propensities and sampling mean.

    Raises:
        InvalidInput: they were not recorded, or changed.
    """
    found = []
    for cohort in (versions.champion, versions.challenger):
        said = {(share, sampled or 1.0) for share, sampled in zip(cohort.propensity, cohort.sampled, strict=True)}
        if len(said) != 1 or None in next(iter(said)):
            problem = "the predictions of an arm name no propensity, or several"
            raise InvalidInput("shares", problem, "Say what the arms should have had, or compare a window with one.")
        share, sampled = said.pop()
        found.append(float(share or 0) * sampled)
    return found[0] / sum(found), found[1] / sum(found)


def _judged(
    plan: ComparisonPlan, rule: Rule, difference: Difference, checks: Checks, guards: Sequence[Guardrail]
) -> Verdict:
    if not len(difference.gain):
        nothing = Difference(np.array([math.nan]), np.zeros(1), np.zeros(1))
        return judge(nothing, rule, checks, guards)
    return judge(difference, rule, checks, guards, plan.smallest)


def _days_left(verdict: Verdict, versions: Versions, units: float) -> float | None:
    """Return about how many days more are needed if as many units come a day as so far."""
    days = np.union1d(versions.one.known.day, versions.other.known.day)
    if verdict.more_units is None or not len(days) or units <= 0:
        return None
    return float(verdict.more_units / (units / float(days[-1] - days[0] + 1)))


def _simulated(plan: ComparisonPlan, rule: Rule, difference: Difference) -> Simulation | None:
    """Return how often the rule, and naive looks, find a difference where there is none, at as many looks as here."""
    units = math.floor(difference.units[-1])
    planned = max(units, plan.horizon or 0)
    looks = min(MOST_SIMULATED_LOOKS, math.ceil(len(difference.gain) * planned / max(units, 1)), planned)
    variance = float(difference.variance[-1])
    if looks < 1 or units < 2 or not variance > 0:
        return None
    # Normal values of variance 1 represent the metric's own: the difference of two means has 2 / units then.
    scale = math.sqrt(variance * units / 2)
    of_normal = OpenEnded(rule.tau / scale, rule.alpha) if isinstance(rule, OpenEnded) else rule
    return simulate_false_positives(of_normal, Experiment(planned, looks, champion_rate=None, trials=TRIALS))
