"""A look over the whole log that always takes about as long: a sample of its predictions, and what is known of them.

Beside what is corrected, it has what somebody would say who takes the first answer, and silence for a label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress

from handrail.feedback.domain.addresses import Matching
from handrail.feedback.domain.cohorts import Cohort, build_cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Material, PredictionRow, Scope
from handrail.feedback.domain.values import EPOCH

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: a kind, what was known at `as_of`, which deployments (None: all), and how many at most.

    `matching` is the rule of the kind for outcomes that name a business key. `drawn` is about how many are read of a
    log that has more than `most`, which are as many where it is None.
    """

    kind: str
    as_of: datetime
    deployments: tuple[str, ...] | None
    most: int
    matching: Matching = "latest"
    drawn: int | None = None

    def step(self, fitting: int) -> int:
        """Return how many predictions of so many each one that is read represents; 1: all are read."""
        if fitting <= self.most:
            return 1
        return -(-fitting // min(self.drawn or self.most, self.most))


@dataclass(frozen=True, slots=True)
class Sampled:
    """Predictions of a look, and all events about them that were known; each event's arrival in microseconds beside it.

    `total` counts the predictions that were made by then, None where that is only known from the sample; `step` is how
    many of the log one row represents, 1 if every one was read.
    """

    predictions: Sequence[PredictionRow]
    events: Sequence[EventRow]
    arrived: Sequence[int]
    total: int | None
    step: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A sample as two cohorts with equal rows: what is known (`corrected`) and what was heard first (`naive`).

    `waited` has for each row how long its first answer took, None where none came. In `naive` every row counts as
    mature and has the first answer that came by the end of its month, or what `silence` is taken for.
    """

    corrected: Cohort
    naive: Cohort
    waited: tuple[timedelta | None, ...]
    revised: int
    total: int
    step: int
    silence: float | None

    def part(self, rows: Sequence[bool]) -> Overview:
        """Keep some rows; the counts of all stay."""
        keep = list(rows)
        waited = tuple(compress(self.waited, keep))
        return replace(self, corrected=self.corrected.keep(keep), naive=self.naive.keep(keep), waited=waited)

    def mature_waits(self) -> list[timedelta | None]:
        """Return how long the first answer took, of mature rows alone: of others it may still come."""
        return list(compress(self.waited, self.corrected.mature))


def overview_of(look: Look, kind: Kind, sampled: Sampled) -> Overview:
    """Judge a sample by the rules of its kind."""
    scope = Scope(look.kind, EPOCH, max(look.as_of, EPOCH) + MICROSECOND, look.as_of)
    corrected = build_cohort(scope, kind, Material(sampled.predictions, sampled.events))
    firsts, revised = _firsts(sampled)
    silence = 0.0 if kind.values and set(kind.values) == {0.0, 1.0} else None
    labels, waited = [], []
    for name, made in zip(corrected.prediction_id, corrected.made_at, strict=True):
        at, value = firsts.get(name, (None, None))
        waited.append(None if at is None else max(at - made, timedelta(0)))
        labels.append(value if at is not None and at < month_after(made) else silence)
    mature = (True,) * len(corrected)
    naive = replace(corrected, label=tuple(labels), mature=mature)
    total = len(corrected) * sampled.step if sampled.total is None else sampled.total
    return Overview(corrected, naive, tuple(waited), revised, total, sampled.step, silence)


def _firsts(sampled: Sampled) -> tuple[dict[str, tuple[datetime, float | None]], int]:
    """Return when and as what each prediction's first answer came, and how many answers were changed later."""
    heard: dict[str, list[tuple[int, int, float | None]]] = {}
    for event, at in zip(sampled.events, sampled.arrived, strict=True):
        heard.setdefault(event[0], []).append((at, event[1], event[4]))
    firsts = {name: min(rows, key=lambda row: row[:2]) for name, rows in heard.items()}
    revised = sum(len({row[2] for row in rows}) > 1 for rows in heard.values())
    return {name: (EPOCH + row[0] * MICROSECOND, row[2]) for name, row in firsts.items()}, revised


def month_after(at: datetime) -> datetime:
    """Return the first moment of the next month in UTC."""
    return at.replace(
        year=at.year + at.month // 12, month=at.month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def groups(cohort: Cohort, most_days: int = 62) -> Iterator[tuple[str, list[bool]]]:
    """Yield the days of a cohort, or its months if it is longer than `most_days`; each with which rows are in it."""
    made = cohort.made_at
    by_month = bool(made) and made[-1] - made[0] > timedelta(days=most_days)
    names = [f"{at:%Y-%m}" if by_month else f"{at:%Y-%m-%d}" for at in made]
    for name in sorted(set(names)):
        yield name, [each == name for each in names]
