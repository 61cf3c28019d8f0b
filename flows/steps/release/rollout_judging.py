"""How a challenger did beside the champion so far, by the rules of config/rollout.yaml. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.steps.release.rollout_health import broken_limit, counted_since
from flows.steps.release.rollout_rules import RolloutRules, StageRules
from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_health
from handrail.clock import system_time
from handrail.compared import write_comparison
from handrail.delivery import CHAMPION, Challenger, Judged, Role, Split, Splitter
from handrail.entrypoints.answers.comparison_words import plain
from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import ComparisonPlan, Sides, compare_versions
from handrail.use_case import UseCase, read_use_case

NOT_YET = ("deployments", "variants", "end")
"""What a comparison finds wrong while one of both has no mature prediction."""
FOLLOWED_WITHIN = timedelta(minutes=1)
"""So long after a change some processes may still have answered by the shares before."""
FIRST = datetime.fromisoformat("1970-01-02T00:00:00+00:00")
BLOCKED, BAD = "blocked", "worse"


@dataclass(frozen=True, slots=True)
class Seen:
    """A judgement, and the comparison behind it as JSON values; None while nothing can be compared."""

    judged: Judged
    comparison: dict[str, Any] | None = None

    def as_evidence(self) -> dict[str, Any]:
        """Return what a policy may cite of it: `pairs`, `low` and `high` of the gain, and the answer."""
        found = self.comparison
        if found is None:
            return {"answer": self.judged.answer, "pairs": 0}
        gain = {name: found["gain"][name] for name in ("low", "high") if found["gain"][name] is not None}
        return {"answer": found["answer"], "metric": found["metric"], "pairs": found["pairs"], **gain}


def judge_challenger(platform: Platform, splitter: Splitter, name: str, rules: RolloutRules) -> Seen:
    """Compare a challenger with the champion since both have their present shares, and keep it for the console.

    In shadow both answered the same cases; else each answered its share of the subjects. One that fails or is late more
    often than it may is worse, whatever it answers.

    Raises:
        UnknownReference: there is no such challenger, or nothing was deployed.
    """
    change = splitter.current()
    if change is None:
        raise UnknownReference("challenger", name, "Add it first.")
    challenger, case = change.split.challenger(name), read_use_case(platform.settings.project)
    stage = rules.shadow if challenger.role is Role.SHADOW else rules.canary
    since = splitter.since(name)
    counted = counted_since(open_health(platform), splitter.slot.pointer, since, system_time())
    if broken := broken_limit(counted, challenger, stage.health):
        return Seen(Judged(BAD, broken))
    if challenger.role is Role.CANARY and challenger.share >= 1:
        return Seen(Judged(BLOCKED, "It answers all subjects: nobody is left to compare it with."))
    last = platform.lineage.timeline(splitter.slot.pointer)[-1]
    if last.target is None:
        raise UnknownReference("deployment", splitter.slot.pointer, "Deploy a champion first.")
    try:
        plan = _plan(platform, change.split, challenger, last.target, stage)
        start = _since(platform, challenger, case, max(since, last.since) + FOLLOWED_WITHIN)
        found = compare_versions(platform.feedback, plan, platform.event_clock(), start)
    except InvalidInput as err:
        if err.field not in NOT_YET:
            raise
        return Seen(Judged(BLOCKED, f"Nothing can be compared since it has its share: {err.problem}."))
    models = {each.uri: each.model_version_uri for each in platform.feedback.deployments()}
    shown = plain(found, models)
    write_comparison(platform.settings.home, f"{splitter.slot.bento}-{name}-{challenger.role.value}".lower(), shown)
    return Seen(Judged(shown["answer"], shown["sentence"], shown["days_left"]), shown)


def _plan(platform: Platform, split: Split, challenger: Challenger, champion: str, stage: StageRules) -> ComparisonPlan:
    case, is_shadow = read_use_case(platform.settings.project), challenger.role is Role.SHADOW
    # In a replay most predictions of the champion are recorded in bulk, and those are not of the split.
    by_variant = platform.settings.replay and not is_shadow
    sides = (
        Sides("variant", CHAMPION, challenger.name)
        if by_variant
        else Sides("deployment", champion, challenger.deployment)
    )
    mine, theirs = split.shares()[CHAMPION], challenger.share
    return ComparisonPlan(
        sides,
        stage.measure(case),
        matters=stage.smallest(case),
        guards=stage.guards(case),
        unit=stage.unit,
        shares=None if is_shadow or not mine else (mine / (mine + theirs), theirs / (mine + theirs)),
        paired=is_shadow,
    )


def _since(platform: Platform, challenger: Challenger, case: UseCase, recorded: datetime) -> datetime | None:
    """Return from when on predictions count: by event time, which is the system's but in a replay."""
    if not platform.settings.replay:
        return recorded
    if challenger.role is Role.SHADOW:
        return None
    now, kind = platform.event_clock(), case.label.feedback
    mine = platform.feedback.cohort(challenger.deployment, kind, FIRST, now, now)
    made = [at for at, share in zip(mine.made_at, mine.propensity, strict=True) if share == challenger.share]
    if not made:
        raise InvalidInput("variants", f"{challenger.name!r} made no prediction with this share", "Wait for some.")
    return min(made)
