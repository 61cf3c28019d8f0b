"""How equal what was made again is to what was recorded, and when a model counts as reproduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class Part(Enum):
    """What a compared thing is. Code, parameters and a tracked file are inputs, the rest is what stages wrote."""

    CODE = "code"
    PARAMETERS = "parameters"
    INPUT = "input data"
    DATA = "data"
    FEATURES = "features"
    METRICS = "metrics"
    MODEL = "model"

    @property
    def is_input(self) -> bool:
        """Whether it comes from the repository or the remote, not from a stage."""
        return self in (Part.CODE, Part.PARAMETERS, Part.INPUT)


class Grade(Enum):
    """How equal a thing is to what was recorded."""

    BYTES = "equal"
    WITHIN = "within tolerance"
    DIFFERS = "differs"


class Result(Enum):
    """How a reproduction ended."""

    REPRODUCED = "reproduced"
    EQUAL_IN_EFFECT = "equal in effect"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing beside what was recorded; `detail` says in words by how much it differs."""

    stage: str
    part: Part
    path: str
    recorded: str
    reproduced: str
    grade: Grade
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Two trees' answers to the same rows; of several outputs a row, the greatest is its label."""

    rows: int
    source: str
    max_difference: float
    labels_differ: int
    detail: str = ""

    def agree(self, tolerance: float) -> bool:
        """Return whether the answers are the same within `tolerance`."""
        return self.labels_differ == 0 and self.max_difference <= tolerance


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The result of a reproduction, and the first thing in pipeline order that is not equal."""

    result: Result
    first: Compared | None = None
    reasons: tuple[str, ...] = field(default_factory=tuple)


def conclude(found: Sequence[Compared], predictions: Predictions | None, tolerance: float) -> Conclusion:
    """Conclude. Equal bytes throughout are reproduced; else equal inputs, metrics and predictions within `tolerance`.

    `found` is in pipeline order. Files that differ and are neither (data, pictures) are named and do not decide.
    """
    uneven = [each for each in found if each.grade is not Grade.BYTES]
    first = next((each for each in uneven if each.grade is Grade.DIFFERS), uneven[0] if uneven else None)
    answers = predictions is None or predictions.agree(tolerance)
    if not uneven and answers:
        return Conclusion(Result.REPRODUCED)
    reasons = [f"{each.part.value} {each.path} differs" for each in uneven if _decides(each)]
    if not answers and predictions is not None:
        reasons.append(f"predictions differ by up to {predictions.max_difference:.3g}")
    if predictions is None and any(each.grade is Grade.DIFFERS for each in uneven):
        reasons.append("no predictions were compared")
    return Conclusion(Result.DIFFERS if reasons else Result.EQUAL_IN_EFFECT, first, tuple(reasons))


def _decides(compared: Compared) -> bool:
    return compared.grade is Grade.DIFFERS and (compared.part.is_input or compared.part is Part.METRICS)
