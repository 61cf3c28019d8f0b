"""config/retraining.yaml: how often challengers may be trained without a person who asks, and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from flows.steps.retraining.sources import SourceRules
from handrail.config import Section, read_config
from handrail.delivery import TurnLimits

FILE = "retraining.yaml"


class _Sources(Section):
    """Which sources of labels are learned from."""

    most_altered: float = Field(default=0.02, ge=0, le=1)
    false_alarm: float = Field(default=0.001, gt=0, lt=0.5)
    trusted: tuple[str, ...] = ()


class _RetrainingFile(Section):
    """Hours and weeks are of event time, which in production is system time."""

    cooldown_hours: float = Field(default=24, ge=0, le=24 * 366)
    most_a_week: int = Field(default=3, ge=1, le=1000)
    attempts: int = Field(default=3, ge=1, le=100)
    then: Literal["champion", "rollout"] = "champion"
    sources: _Sources = Field(default_factory=lambda: _Sources())


def read_limits(config: Path) -> TurnLimits:
    """Read how often may be trained from retraining.yaml in the folder `config`; the defaults where there is none.

    Raises:
        Misconfigured: a key is unknown or wrong.
    """
    return TurnLimits(**_read(config).model_dump(exclude={"sources", "then"}))


def goes_to_rollout(config: Path) -> bool:
    """Say whether a challenger is led from shadow on, instead of asking for the champion's place at once.

    Raises:
        Misconfigured: a key is unknown or wrong.
    """
    return _read(config).then == "rollout"


def read_source_rules(config: Path) -> SourceRules:
    """Read which sources are learned from in retraining.yaml in the folder `config`; the defaults where there is none.

    Raises:
        Misconfigured: a key is unknown or wrong.
    """
    return SourceRules(**_read(config).sources.model_dump())


def _read(config: Path) -> _RetrainingFile:
    file = config / FILE
    return read_config(file, _RetrainingFile) if file.is_file() else _RetrainingFile()
