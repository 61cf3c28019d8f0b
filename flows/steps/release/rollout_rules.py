"""config/rollout.yaml: how a version is led from shadow to all subjects. Without the file the usual rules hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from handrail.config import Section, read_config
from handrail.delivery import BOUNDS_S, Rollout
from handrail.feedback import Guard, Measure
from handrail.use_case import UseCase

FILE = "rollout.yaml"
FOLLOWED = {"binary": "brier", "multiclass": "accuracy", "regression": "mae", "count": "mae"}
"""What is compared, by the kind of label: a mean over predictions."""
USUAL_MARGIN = 0.01


class GuardRule(Section):
    """A metric that must not get worse by more than `margin`; of the kind that decides if none is named."""

    metric: str
    margin: float = Field(gt=0)
    kind: str | None = None
    better: Literal["higher", "lower"] | None = None


class HealthRule(Section):
    """How often a challenger may fail, and take longer than `seconds`: shares of its requests.

    `slower: 0.01` is a limit of the 99 % quantile. `seconds` is a bound of the histogram that services keep.
    """

    errors: float = Field(default=0.01, ge=0, lt=1)
    seconds: float = 1.0
    slower: float = Field(default=0.01, ge=0, lt=1)

    @field_validator("seconds")
    @classmethod
    def _is_a_bound(cls, seconds: float) -> float:
        if seconds not in BOUNDS_S:
            raise ValueError(f"expected one of {', '.join(f'{each:g}' for each in BOUNDS_S)}")
        return seconds


class StageRules(Section):
    """How a challenger is judged in one role.

    `metric` is the usual one of the kind of label if left out, `matters` the smallest gain that matters in its unit.
    A `unit` of day counts the subjects of a day as one observation.
    """

    metric: str | None = None
    matters: float | None = Field(default=None, gt=0)
    unit: Literal["subject", "day"] = "subject"
    within_days: float = Field(default=30, gt=0)
    guardrails: tuple[GuardRule, ...] = ()
    health: HealthRule = HealthRule()

    def measure(self, case: UseCase) -> Measure:
        """Return what is followed."""
        return Measure(case.label.feedback, self.metric or FOLLOWED[case.label.kind])

    def smallest(self, case: UseCase) -> float:
        """Return the smallest gain that matters."""
        return self.matters or case.metrics.margin or USUAL_MARGIN

    def guards(self, case: UseCase) -> tuple[Guard, ...]:
        """Return what must not get worse."""
        return tuple(
            Guard(Measure(each.kind or case.label.feedback, each.metric, each.better), each.margin)
            for each in self.guardrails
        )


class ShadowStage(StageRules):
    """In shadow: which share of the subjects it answers."""

    share: float = Field(default=1.0, gt=0, le=1)


class CanaryStage(StageRules):
    """As a canary: the shares one after another."""

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)


class ChampionStage(Section):
    """As the champion: an alert about its performance so soon after it began to serve takes it back."""

    taken_back_within_days: float = Field(default=60, ge=0)


class RolloutRules(Section):
    """Everything in config/rollout.yaml."""

    version: Literal[1] = 1
    shadow: ShadowStage = ShadowStage()
    canary: CanaryStage = CanaryStage()
    champion: ChampionStage = ChampionStage()

    def shadow_steps(self) -> Rollout:
        """Return how long a shadow may take."""
        return Rollout((self.shadow.share,), timedelta(days=self.shadow.within_days))

    def canary_steps(self) -> Rollout:
        """Return the shares of a canary, and how long one may take.

        Raises:
            InvalidInput: the shares do not grow up to 1.
        """
        return Rollout(self.canary.steps, timedelta(days=self.canary.within_days))


def read_rollout(config: Path) -> RolloutRules:
    """Read rollout.yaml in the folder `config`; the usual rules if there is none.

    Raises:
        Misconfigured: a key is unknown or wrong.
    """
    file = config / FILE
    return read_config(file, RolloutRules) if file.is_file() else RolloutRules()
