"""Labels by who said them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.material import EventRow, Material


@dataclass(frozen=True, slots=True)
class SourcedLabels:
    """Columns of equal length, one row a mature prediction that somebody labelled, ordered by (made_at, id).

    `source` said the label that counts. `contradicts` is the source that had said another value about the same
    prediction, and was overruled; empty where nobody had.
    """

    made_at: tuple[datetime, ...]
    score: tuple[float, ...]
    predicted: tuple[int, ...]
    label: tuple[float, ...]
    source: tuple[str, ...]
    contradicts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)


def by_source(cohort: Cohort, material: Material, named: Mapping[str, str]) -> SourcedLabels:
    """Return the judged rows of a cohort with who said their labels; what silence means is nobody's label.

    Args:
        cohort: what `material` gives by the rules of its kind.
        material: the rows that it was made from.
        named: the source of each event by id.
    """
    about: dict[str, list[EventRow]] = {}
    for event in material.events:
        about.setdefault(event[0], []).append(event)
    rows = []
    for at, name, score, predicted, label, mature in zip(
        cohort.made_at,
        cohort.prediction_id,
        cohort.score,
        cohort.predicted,
        cohort.label,
        cohort.mature,
        strict=True,
    ):
        if mature and label is not None and name in about:
            source, other = _who(about[name], named)
            rows.append((at, score, predicted, label, source, other))
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * 6
    return SourcedLabels(*columns)


def _who(events: list[EventRow], named: Mapping[str, str]) -> tuple[str, str]:
    """Return who said what holds, and who had said another value and was overruled."""
    ordered = sorted(events, key=itemgetter(1, 2, 3))
    winner = ordered[-1]
    source = named.get(winner[3], "")
    last = {named.get(each[3], ""): each for each in ordered if each[5] == winner[5]}
    others = sorted(name for name, each in last.items() if name != source and each[4] not in (None, winner[4]))
    return source, others[0] if others else ""
