"""config/monitoring.yaml, read and checked against the objectives. No figure is judged here.

Limits of metrics are in config/use_case.yaml: which there are depends on what is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from handrail.config import Section, read_config
from handrail.errors import Misconfigured
from handrail.objectives import Objective, read_objectives
from handrail.use_case import FILE as USE_CASE
from handrail.use_case import Limit, UseCase


class DriftLimits(Section):
    """Limits of a drift finding; `bins` counts the quantiles of the reference scores."""

    score_psi: Limit
    bins: int = Field(ge=2, le=100)


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


class MonitoringRules(Section):
    """Everything in config/monitoring.yaml."""

    reference: Literal["train", "validate"]
    drift: DriftLimits
    performance: PerformanceLimits
    health: HealthLimits
    reports: ReportRules
    shadow: ShadowRules | None = None

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits by the name of the figure that they bound."""
        return {
            "drift.score_psi": self.drift.score_psi,
            "performance.coverage": self.performance.coverage,
            "health.latency_p99_ms": self.health.latency_p99_ms,
            "health.error_share": self.health.error_share,
        }


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
