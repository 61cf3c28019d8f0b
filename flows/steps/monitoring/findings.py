"""What one month of production says: figures, and the findings drawn from them. Nothing here reads or writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from flows.steps.monitoring.config import MonitoringRules
from handrail.label_kinds import CLASSIFIED
from handrail.monitored import INFORMATION
from handrail.objectives import Objective
from handrail.statistics import METRICS_OF, Answers, Scored, judgeable
from handrail.use_case import Limit, UseCase

if TYPE_CHECKING:
    from flows.steps.monitoring.loss import MonthDrift

Scores = NDArray[np.float64]
FindingKind = Literal["drift", "performance", "business", "health", "fairness"]


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures on mature predictions.

    `coverage` is the share of `mature` predictions whose outcome was known at `as_of`. `metrics` are those of the
    label's kind by name; one that the outcomes cannot judge, as while only one class was seen, is None.
    """

    as_of: datetime
    predictions: int
    mature: int
    labelled: int
    coverage: float | None
    mean_score: float | None
    metrics: Mapping[str, float | None]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values, each metric by its name beside the counts."""
        plain = {name: value for name, value in asdict(self).items() if name != "metrics"}
        return plain | {"as_of": self.as_of.isoformat()} | dict(self.metrics)


@dataclass(frozen=True, slots=True)
class Health:
    """How the service answered: latencies in milliseconds for one batch; the share of attempts that failed, 0 to 1.

    Batches and failed attempts are those that a client counted; without one there are none, and `error_share` is not
    known. Latencies are what it measured, else what the service measured itself.
    """

    batches: int
    failed_attempts: int
    error_share: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class Batch(Protocol):
    """How a client saw one batch answered: attempts that failed before one succeeded, and the time of that one."""

    @property
    def hour(self) -> datetime:
        """The hour of the batch."""

    @property
    def failures(self) -> int:
        """How many attempts failed."""

    @property
    def latency_ms(self) -> float:
        """Milliseconds of the attempt that succeeded."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its limit; `value` is None if it is not known, and then `holds` is False."""

    figure: str
    value: float | None
    limit: float
    holds: bool
    objective: str
    target: float
    owner: str

    @property
    def sentence(self) -> str:
        """Say what was seen, what the limit is and who is asked."""
        seen = "is not known" if self.value is None else f"is {self.value:.3f}"
        side = "within" if self.holds else "beyond"
        return (
            f"{self.figure} {seen}, {side} the limit {self.limit:g}; "
            f"objective {self.objective!r} (target {self.target:g}) belongs to the {self.owner}."
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What monitoring says about one month of one model: `alert` asks somebody to act, it decides nothing.

    `information` is a change that does no harm: nobody has to act.

    `value`, `limit` and `objective` are those of the check that matters most: the first that fails, else the first.
    """

    kind: FindingKind
    model: str
    month: str
    state: Literal["ok", "information", "alert"]
    figure: str
    value: float | None
    limit: float
    objective: str
    as_of: str
    snapshot: str
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each check."""
        return tuple(check.sentence for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values, with its reasons."""
        return asdict(self) | {"reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about: the model, the month (`YYYY-MM`), the moment and the snapshot it was judged at."""

    model: str
    month: str
    as_of: datetime
    snapshot: str


def measure(answers: Answers, labels: Scores, mature: NDArray[np.bool_], as_of: datetime, kind: str) -> Performance:
    """Measure a cohort; all arrays have one entry a prediction, a label is NaN where it is not known.

    Predictions that are not mature are left out, even with a label: early outcomes are not a fair sample.
    """
    scores = np.asarray(answers.score, dtype=np.float64)
    known = mature & ~np.isnan(labels)
    return Performance(
        as_of=as_of,
        predictions=len(scores),
        mature=int(mature.sum()),
        labelled=int(known.sum()),
        coverage=int(known.sum()) / int(mature.sum()) if mature.any() else None,
        mean_score=float(scores.mean()) if len(scores) else None,
        metrics=_metrics(answers, labels, known, kind),
    )


def _metrics(answers: Answers, labels: Scores, known: NDArray[np.bool_], kind: str) -> dict[str, float | None]:
    truth = labels[known].astype(np.int64) if kind in CLASSIFIED else labels[known]
    found: dict[str, float | None] = dict.fromkeys(metric.name for metric in METRICS_OF[kind])
    if len(truth):
        predicted = None if answers.predicted is None else np.asarray(answers.predicted)[known]
        scored = Scored(np.asarray(answers.score)[known], truth, np.zeros(len(truth), dtype=np.int64), predicted)
        for metric in METRICS_OF[kind]:
            if metric.better == "neither" or judgeable(kind, truth):
                value = float(metric.values(scored, np.ones((1, 1)))[0])
                found[metric.name] = value if math.isfinite(value) else None
    if kind == "binary":
        found["log_loss_of_prior"] = _entropy(found["base_rate"])
    return found


def titled(seen: Performance, case: UseCase) -> dict[str, float | None]:
    """Return the figures of a month by the titles under which people read them."""
    base, named = base_figure(case)
    score = "mean probability" if case.label.kind in CLASSIFIED else "mean prediction"
    titles = {metric.name: metric.title for metric in METRICS_OF[case.label.kind] if metric.name != base}
    titles |= {"log_loss_of_prior": "log loss of the base rate"}
    others = {titles[name]: value for name, value in seen.metrics.items() if name != base}
    return {named: seen.metrics[base], score: seen.mean_score, **others}


def base_figure(case: UseCase) -> tuple[str, str]:
    """Return the metric that says what happened, whatever was answered, and its title in the words of the use case."""
    if case.label.positive is not None:
        return "base_rate", case.label.positive
    if case.label.classes is not None:
        return "largest_share", case.metric_by_name["largest_share"].title
    return "mean_label", f"mean {case.label.column}"


def _entropy(rate: float | None) -> float | None:
    if rate is None or not 0 < rate < 1:
        return None
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))


def check(figure: str, value: float | None, limit: Limit, objectives: Mapping[str, Objective]) -> Check:
    """Hold one figure against its limit."""
    objective = objectives[limit.objective]
    holds = value is not None and objective.holds(value, limit.limit)
    return Check(figure, value, limit.limit, holds, limit.objective, objective.target, objective.owner)


def drift_finding(
    subject: Subject,
    psi: float | None,
    rules: MonitoringRules,
    objectives: Mapping[str, Objective],
    moved: MonthDrift | None = None,
) -> Finding:
    """Say whether the data left the reference, and whether that costs anything: only then is it an alert.

    Where it was judged within a budget, `moved` decides; a loss that nobody can estimate is taken to be one. Else the
    index of the scores is held against its limit.
    """
    drift, loss_limit = rules.drift, rules.drift.loss
    if moved is None or moved.drift.reason or loss_limit is None:
        return conclude("drift", subject, (check("score PSI", psi, drift.score_psi, objectives),))
    named, loss = moved.drift.named, moved.loss
    figure = f"evidence of drift in {', '.join(named)}" if named else "evidence of drift"
    evidence = Check(
        figure,
        moved.drift.strength,
        1 / moved.drift.level,
        not named,
        drift.score_psi.objective,
        objectives[drift.score_psi.objective].target,
        objectives[drift.score_psi.objective].owner,
    )
    if loss is None:
        return conclude("drift", subject, (evidence,))
    harm = check(f"{loss.basis or 'possible'} loss of {loss.metric}", loss.value, loss_limit, objectives)
    found = conclude("drift", subject, (evidence, harm))
    return replace(found, state=INFORMATION) if harm.holds else found


def performance_finding(
    subject: Subject, seen: Performance, case: UseCase, rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding:
    """Say whether the forecasts are still good enough, and whether enough outcomes are known to judge."""
    judged = (
        check(case.metric_by_name[name].title, seen.metrics[name], limit, objectives)
        for name, limit in case.metrics.limits.items()
    )
    return conclude(
        "performance", subject, (*judged, check("coverage", seen.coverage, rules.performance.coverage, objectives))
    )


def health_finding(
    subject: Subject, seen: Health, rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding | None:
    """Say whether the service answered, and quickly, as far as it was measured; None if nobody measured anything."""
    measured = (
        ("share of failed attempts", seen.error_share, rules.health.error_share),
        ("latency p99 in ms", seen.latency_p99_ms, rules.health.latency_p99_ms),
    )
    checks = tuple(check(name, value, limit, objectives) for name, value, limit in measured if value is not None)
    return conclude("health", subject, checks) if checks else None


def conclude(kind: FindingKind, subject: Subject, checks: tuple[Check, ...]) -> Finding:
    """Return the finding that follows from checks; the first that fails is the one that matters most."""
    first = next((each for each in checks if not each.holds), checks[0])
    return Finding(
        kind=kind,
        model=subject.model,
        month=subject.month,
        state="ok" if all(each.holds for each in checks) else "alert",
        figure=first.figure,
        value=first.value,
        limit=first.limit,
        objective=first.objective,
        as_of=subject.as_of.isoformat(),
        snapshot=subject.snapshot,
        checks=checks,
    )
