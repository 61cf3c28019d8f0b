"""Lets a version answer in shadow what another one answered, and compares both by what really happened.

Its answers are recorded and served to nobody: under a service of its own, so that what people report about the served
answer is not taken for its. It answers a share of the subjects, always the same ones, and says which share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.release.served_model import ServedModel
from flows.steps.replay.bulk import record_answers, record_said
from flows.steps.replay.log import scored_months
from flows.steps.replay.plan import outcomes_of
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.serving import record_deployment
from handrail.delivery import Slot
from handrail.feedback import ComparisonPlan, Guard, Measure, Sides, VersionComparison, assign, compare_versions
from handrail.use_case import UseCase, read_use_case

SHARE = 0.25
FOLLOWED = {"binary": "brier", "multiclass": "accuracy", "regression": "mae", "count": "mae"}
"""What is compared, by the kind of label: a mean over predictions."""
USUAL_MARGIN = 0.01


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What answered in shadow, since when, and how many subjects."""

    deployment: str
    start: datetime
    answered: int


def answer_in_shadow(platform: Platform, tree: Path, serves: str, since: datetime) -> Shadowed | None:
    """Record what the model in `tree` says about a share of the subjects that were predicted from `since` on.

    `serves` is its registered version, as `models:/NAME/3`. None if nothing was predicted from then on, or the scored
    months lack a feature that the model reads. Repeating it changes nothing.

    Raises:
        UnknownReference: no such version is recorded.
    """
    from handrail.scoring import Scorer

    case, scorer = read_use_case(platform.settings.project), Scorer.load(tree)
    rows = _followed(platform.settings.home, case, since)
    if rows is None or any(name not in rows.columns for name in scorer.features):
        return None
    digest = tree_digest(tree)
    version = digest.removeprefix("sha256:")[:12]
    deployment = Slot(platform.settings.environment, case.name).shadow.deployment(version).uri
    record_deployment(deployment, serves, tree, platform)
    answered = scorer.answer({name: rows[name].to_list() for name in scorer.features})
    scored = rows.with_columns(score=pl.Series(answered.score.astype(float)), predicted=pl.Series(answered.label))
    _, names = record_answers(platform, ServedModel(deployment, digest, scorer), scored, case, sampled=SHARE)
    record_said(platform, names, outcomes_of(scored, case, predicted_at=case.time.event), case)
    return Shadowed(deployment, since, scored.height)


def _followed(home: Path, case: UseCase, since: datetime) -> pl.DataFrame | None:
    """Return the scored rows from `since` on that the shadow answers; None if there is none."""
    parts = [pl.read_parquet(file) for file in sorted(scored_months(home).glob("*.parquet"))]
    later = [part.filter(pl.col(case.time.event) >= since) for part in parts]
    rows = pl.concat(later) if later else pl.DataFrame()
    if rows.is_empty():
        return None
    shares = {"shadow": SHARE, "unobserved": 1 - SHARE}
    chosen = [
        assign(str(name), shares, f"{case.name} shadow").variant == "shadow" for name in rows[case.subject.column]
    ]
    rows = rows.filter(pl.Series(chosen, dtype=pl.Boolean))
    return None if rows.is_empty() else rows


def compare_in_shadow(platform: Platform, champion: str, shadowed: Shadowed) -> VersionComparison:
    """Compare a shadow with the deployment whose cases it answered, by all that is known by event time now.

    A day is one observation: those of a day share what happens to them.
    """
    case = read_use_case(platform.settings.project)
    kind, margin = case.label.feedback, case.metrics.margin or USUAL_MARGIN
    measure = Measure(kind, FOLLOWED[case.label.kind])
    guards = (Guard(Measure(kind, "accuracy"), USUAL_MARGIN),) if case.label.kind == "binary" else ()
    sides = Sides("deployment", champion, shadowed.deployment)
    plan = ComparisonPlan(sides, measure, matters=margin, guards=guards, unit="day", paired=True)
    return compare_versions(platform.feedback, plan, platform.event_clock(), shadowed.start)
