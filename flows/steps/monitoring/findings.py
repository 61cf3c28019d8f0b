"""What one month of production says: figures, and the findings drawn from them. Nothing here reads or writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flows.steps.monitoring.config import Limit, MonitoringRules, Objective

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures on mature predictions; those that need both labels are None while only one was seen.

    `coverage` is the share of `mature` predictions whose outcome was known at `as_of`.
    """

    as_of: datetime
    predictions: int
    mature: int
    labelled: int
    coverage: float | None
    base_rate: float | None
    mean_score: float | None
    roc_auc: float | None
    log_loss: float | None
    log_loss_of_prior: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """How the service answered: latencies in milliseconds for one batch; the share of attempts that failed, 0 to 1."""

    batches: int
    failed_attempts: int
    error_share: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None


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

    `value`, `limit` and `objective` are those of the check that matters most: the first that fails, else the first.
    """

    kind: Literal["drift", "performance", "health"]
    model: str
    month: str
    state: Literal["ok", "alert"]
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


def measure(scores: Scores, labels: Scores, mature: NDArray[np.bool_], as_of: datetime) -> Performance:
    """Measure a cohort; the three arrays have one entry a prediction, a label is NaN where it is not known.

    Predictions that are not mature are left out, even with a label: early outcomes are not a fair sample.
    """
    from sklearn.metrics import log_loss, roc_auc_score

    known = mature & ~np.isnan(labels)
    p, y = scores[known], labels[known].astype(np.int8)
    rate = float(y.mean()) if len(y) else None
    both = len(np.unique(y)) == 2
    return Performance(
        as_of=as_of,
        predictions=len(scores),
        mature=int(mature.sum()),
        labelled=len(y),
        coverage=len(y) / int(mature.sum()) if mature.any() else None,
        base_rate=rate,
        mean_score=float(scores.mean()) if len(scores) else None,
        roc_auc=float(roc_auc_score(y, p)) if both else None,
        log_loss=float(log_loss(y, p, labels=[0, 1])) if both else None,
        log_loss_of_prior=_entropy(rate) if rate is not None and both else None,
    )


def _entropy(rate: float) -> float:
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))


def check(figure: str, value: float | None, limit: Limit, objectives: Mapping[str, Objective]) -> Check:
    """Hold one figure against its limit."""
    objective = objectives[limit.objective]
    holds = value is not None and objective.holds(value, limit.limit)
    return Check(figure, value, limit.limit, holds, limit.objective, objective.target, objective.owner)


def drift_finding(
    subject: Subject, psi: float | None, rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding:
    """Say whether the scores left the reference; feature drift alone never alerts."""
    return _finding("drift", subject, (check("score PSI", psi, rules.drift.score_psi, objectives),))


def performance_finding(
    subject: Subject, seen: Performance, rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding:
    """Say whether the forecasts still rank late flights first, and whether enough outcomes are known to judge."""
    return _finding(
        "performance",
        subject,
        (
            check("ROC-AUC", seen.roc_auc, rules.performance.roc_auc, objectives),
            check("coverage", seen.coverage, rules.performance.coverage, objectives),
        ),
    )


def health_finding(
    subject: Subject, seen: Health, rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding:
    """Say whether the service answered batches, and quickly; a month without batches is in order."""
    checks = [check("share of failed attempts", seen.error_share, rules.health.error_share, objectives)]
    if seen.batches:
        checks.append(check("latency p99 in ms", seen.latency_p99_ms, rules.health.latency_p99_ms, objectives))
    return _finding("health", subject, tuple(checks))


def _finding(kind: Literal["drift", "performance", "health"], subject: Subject, checks: tuple[Check, ...]) -> Finding:
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
