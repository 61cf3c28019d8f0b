"""config/monitoring.yaml, read and checked against the objectives. No figure is judged here.

Limits of metrics are in config/use_case.yaml: which there are depends on what is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from handrail.config import Section, read_config
from handrail.errors import Misconfigured
from handrail.objectives import Objective, read_objectives
from handrail.statistics import budget_level
from handrail.use_case import FILE as USE_CASE
from handrail.use_case import Limit, UseCase


class DriftBudget(Section):
    """How many false alarms about drift are accepted in so many months, on average: fewer than one a month."""

    false_alarms: float = Field(gt=0)
    months: int = Field(ge=1)

    @model_validator(mode="after")
    def _less_than_one_a_month(self) -> DriftBudget:
        if self.false_alarms >= self.months:
            raise ValueError(f"allows {self.false_alarms:g} in {self.months}, expected fewer than one a month")
        return self

    @property
    def level(self) -> float:
        """The level of one month."""
        return budget_level(self.false_alarms, self.months)


class DriftLimits(Section):
    """When the data of a month drifted, and when that is an alert.

    With a `budget`, `columns` and the score are compared in units of `unit_days` with those of the reference, over
    `look_back` months at most; drift is an alert if it makes the metric that decides worse by `loss` at least, else
    information. Without one, or without a reference long enough, the index of the score is held against `score_psi`.
    `bins` counts the quantiles of the reference scores. Without `columns` they are those of the reports.
    """

    budget: DriftBudget | None = None
    loss: Limit | None = None
    unit_days: int = Field(default=7, ge=1, le=31)
    look_back: int = Field(default=3, ge=1, le=12)
    columns: tuple[str, ...] | None = None
    score_psi: Limit
    bins: int = Field(ge=2, le=100)

    @model_validator(mode="after")
    def _a_loss_with_a_budget(self) -> DriftLimits:
        if (self.budget is None) != (self.loss is None):
            raise ValueError("needs budget and loss together, or neither")
        return self


class PerformanceLimits(Section):
    """Limit of a performance finding beside those of the metrics."""

    coverage: Limit


class HealthLimits(Section):
    """Limits on how the service answers."""

    latency_p99_ms: Limit
    error_share: Limit


class ColumnDrift(Section):
    """A pinned Evidently drift method and the distance from which it calls a column drifted."""

    method: Literal["wasserstein", "jensenshannon", "psi"]
    threshold: float = Field(gt=0)


class ReportRules(Section):
    """How Evidently reports are made; `sample_rows` is an upper bound on each side, `columns` the features shown."""

    project: str = Field(min_length=1)
    sample_rows: int = Field(ge=100, le=100_000)
    seed: int = Field(ge=0)
    columns: tuple[str, ...]
    numeric: ColumnDrift
    categorical: ColumnDrift


class ShadowRules(Section):
    """Which subjects a challenger foretells: a Parquet file below the project, of rows without an outcome."""

    rows: str = Field(min_length=1)


class GateRules(Section):
    """After which alerts the gate is shut for the version that made the predictions, and how bad its finding is."""

    shut_on: tuple[Literal["drift", "performance", "business", "health", "fairness"], ...] = ()
    severity: Literal["low", "medium", "high"] = "medium"


class MonitoringRules(Section):
    """Everything in config/monitoring.yaml.

    `business` has limits on the means of kinds of feedback whose values are numbers, by the kind.
    """

    reference: Literal["train", "validate"]
    drift: DriftLimits
    performance: PerformanceLimits
    health: HealthLimits
    business: dict[str, Limit] = Field(default_factory=dict)
    reports: ReportRules
    shadow: ShadowRules | None = None
    gate: GateRules = GateRules()

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits by the name of the figure that they bound."""
        loss = {} if self.drift.loss is None else {"drift.loss": self.drift.loss}
        business = {f"business.{kind}": limit for kind, limit in self.business.items()}
        return (
            loss
            | business
            | {
                "drift.score_psi": self.drift.score_psi,
                "performance.coverage": self.performance.coverage,
                "health.latency_p99_ms": self.health.latency_p99_ms,
                "health.error_share": self.health.error_share,
            }
        )


def read_monitoring(config: Path, objectives: Mapping[str, Objective] | None = None) -> MonitoringRules:
    """Read monitoring.yaml in the folder `config`, and check that every objective it cites exists.

    `objectives` are those of objectives.yaml in that folder, read here if None.

    Raises:
        Misconfigured: the file is missing, a key is unknown, missing or wrong, or a cited objective does not exist.
    """
    file = config / "monitoring.yaml"
    rules = read_config(file, MonitoringRules)
    known = read_objectives(config) if objectives is None else objectives
    for name, limit in rules.limits.items():
        _require_objective(str(file), name, limit, known)
    return rules


def check_metric_limits(case: UseCase, objectives: Mapping[str, Objective]) -> None:
    """Check that each limit of a metric cites an objective that exists and wants the side on which it is better.

    Raises:
        Misconfigured: one does not; the sentence names it.
    """
    for name, limit in case.metrics.limits.items():
        key = f"metrics.limits.{name}"
        _require_objective(USE_CASE.as_posix(), key, limit, objectives)
        kind = objectives[limit.objective].kind
        wanted = {"higher": "at-least", "lower": "at-most"}.get(case.metric_by_name[name].better, kind)
        if kind != wanted:
            problem = f"{key!r} cites the objective {limit.objective!r} of kind {kind}, and {name} needs {wanted}"
            raise Misconfigured(USE_CASE.as_posix(), problem, "Cite another objective, or correct its kind.")


def limits_in_words(case: UseCase, objectives: Mapping[str, Objective]) -> str:
    """Return the limits of the metrics as a person reads them, such as `ROC-AUC at least 0.7`."""
    return ", ".join(
        f"{case.metric_by_name[name].title} {objectives[limit.objective].kind.replace('-', ' ')} {limit.limit:g}"
        for name, limit in case.metrics.limits.items()
    )


def _require_objective(file: str, name: str, limit: Limit, known: Mapping[str, Objective]) -> None:
    if limit.objective not in known:
        raise Misconfigured(
            file,
            f"{name!r} cites the objective {limit.objective!r}, which config/objectives.yaml does not name",
            f"Cite one of {', '.join(sorted(known))}.",
        )
