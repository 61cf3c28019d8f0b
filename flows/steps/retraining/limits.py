"""config/retraining.yaml: how often challengers may be trained without a person who asks for one."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from handrail.config import Section, read_config
from handrail.delivery import TurnLimits

FILE = "retraining.yaml"


class _RetrainingFile(Section):
    """Hours and weeks are of event time, which in production is system time."""

    cooldown_hours: float = Field(default=24, ge=0, le=24 * 366)
    most_a_week: int = Field(default=3, ge=1, le=1000)
    attempts: int = Field(default=3, ge=1, le=100)


def read_limits(config: Path) -> TurnLimits:
    """Read retraining.yaml in the folder `config`; the defaults where there is none.

    Raises:
        Misconfigured: a key is unknown or wrong.
    """
    file = config / FILE
    return TurnLimits(**read_config(file, _RetrainingFile).model_dump()) if file.is_file() else TurnLimits()
