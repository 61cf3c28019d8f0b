"""From where on a figure of production raises an alert, and how differently groups of subjects may be treated."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from handrail.config import Mistake, Section
from handrail.statistics import RATES_OF, names_of_disparity

Segment = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
"""A slice whose name can be a part of a measure."""


class Limit(Section):
    """From where on a figure of production raises an alert, and the objective of config/objectives.yaml behind it."""

    limit: float
    objective: str


class Fairness(Section):
    """Between the groups of which slices answers are compared, and how far apart they may be in production.

    A group of fewer than `least_rows` rows is put together with others, and judged by nobody if there are still too
    few. `limits` are of figures such as `region.false_negative_rate.difference` or `region.selection_rate.ratio`.
    """

    segments: Annotated[tuple[Segment, ...], Field(min_length=1, max_length=20)]
    least_rows: Annotated[int, Field(ge=10, strict=True)] = 100
    limits: dict[str, Limit] = Field(default_factory=dict)


class Moves(Section):
    """Which small changes of a row's features may happen, and so may not decide about an answer.

    Each moves by `step` of the feature's spread, at most `most` features of a row at once. Those in `fixed` never
    move; those in `up` only grow, those in `down` only shrink. Categories stay as they are.
    """

    step: Annotated[float, Field(gt=0, le=1)] = 0.1
    most: Annotated[int, Field(ge=1, le=10, strict=True)] = 3
    fixed: tuple[str, ...] = ()
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


def fairness_mistakes(fairness: Fairness, slices: Sequence[str], kind: str) -> Iterator[Mistake]:
    """Give what the comparison of groups names that does not fit the slices or the kind of label."""
    for place, name in enumerate(fairness.segments):
        if name not in slices:
            listed = ", ".join(sorted(slices)) or "nothing"
            problem = f"is {name!r}, and 'slices' has {listed}"
            yield Mistake(("fairness", "segments", place), problem, "Write one of them, or add it.")
        if name in fairness.segments[:place]:
            yield Mistake(("fairness", "segments", place), f"is {name!r}, which is there already", "Remove one.")
    known = [f"{rate.name}.{name}" for rate in RATES_OF[kind] for name in names_of_disparity(rate) if "_" not in name]
    for figure in fairness.limits:
        segment, _, rest = figure.partition(".")
        if segment not in fairness.segments or rest not in known:
            problem = f"limits what is not compared: {kind} labels have {', '.join(known)}"
            yield Mistake(("fairness", "limits", figure), problem, "Write a segment, a dot and one of them.")
