"""A cohort: predictions of a time window beside the labels that were known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import compress
from operator import itemgetter
from typing import Any

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Material, Scope, current_values
from handrail.feedback.domain.values import EPOCH


@dataclass(frozen=True, slots=True)
class Cohort:
    """Columns of equal length n, one row a prediction, ordered by (made_at, prediction_id).

    `predicted` is the decision that was answered, `label` the truth known at the as-of time (None: unknown),
    `revision` that of the event behind the label (None: no event), `mature` whether the maturity window has passed.
    `variant` is what the subject was assigned to in a comparison (empty: none), with which probability `propensity`;
    `sampled` is the probability with which the prediction was recorded at all. Both are None where nobody said.
    Metrics use mature, labelled rows only (`judged`) and print `coverage` and `scope.as_of`.
    """

    scope: Scope
    prediction_id: tuple[str, ...]
    subject: tuple[str, ...]
    deployment: tuple[str, ...]
    made_at: tuple[datetime, ...]
    score: tuple[float, ...]
    predicted: tuple[int, ...]
    latency_ms: tuple[float | None, ...]
    label: tuple[float | None, ...]
    revision: tuple[int | None, ...]
    mature: tuple[bool, ...]
    variant: tuple[str, ...] = ()
    propensity: tuple[float | None, ...] = ()
    sampled: tuple[float | None, ...] = ()

    def __len__(self) -> int:
        return len(self.prediction_id)

    @property
    def mature_share(self) -> float:
        """Share of rows whose window has passed, 0 to 1; 0 for an empty cohort."""
        return sum(self.mature) / len(self) if len(self) else 0.0

    @property
    def coverage(self) -> float:
        """Share of mature rows that have a label, 0 to 1; 0 if no row is mature."""
        mature = sum(self.mature)
        return sum(map(_judged, self.mature, self.label)) / mature if mature else 0.0

    def columns(self) -> dict[str, tuple[object, ...]]:
        """Return the columns by name, ready for a data frame."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "scope"}

    def judged(self) -> Cohort:
        """Keep only the rows that are mature and labelled. Read `coverage` before: it is 1 afterwards."""
        return self._rows(list(map(_judged, self.mature, self.label)))

    def of_deployment(self, uri: str) -> Cohort:
        """Keep only the rows of one deployment."""
        kept = self._rows([each == uri for each in self.deployment])
        return replace(kept, scope=replace(self.scope, deployment=uri))

    def keep(self, rows: list[bool]) -> Cohort:
        """Keep the rows for which it is true."""
        return self._rows(rows)

    def _rows(self, keep: list[bool]) -> Cohort:
        columns: dict[str, Any] = {name: tuple(compress(column, keep)) for name, column in self.columns().items()}
        return replace(self, **columns)


def _judged(mature: bool, label: float | None) -> bool:
    return mature and label is not None


def build_cohort(scope: Scope, kind: Kind, material: Material) -> Cohort:
    """Join predictions with their current labels by the rules of `kind`, as they stood at `scope.as_of`."""
    current = current_values(material.events, kind.aggregation)
    rows = sorted(material.predictions, key=itemgetter(3, 0))
    made_at = tuple(EPOCH + timedelta(microseconds=row[3]) for row in rows)
    until = kind.matured_until(scope.as_of)
    mature = tuple(at <= until for at in made_at)
    found = [current.get(row[0]) for row in rows]
    seen = (None if each is None else each.value for each in found)
    return Cohort(
        scope=scope,
        prediction_id=tuple(row[0] for row in rows),
        subject=tuple(row[1] for row in rows),
        deployment=tuple(row[2] for row in rows),
        made_at=made_at,
        score=tuple(row[4] for row in rows),
        predicted=tuple(row[5] for row in rows),
        latency_ms=tuple(row[6] for row in rows),
        label=tuple(map(kind.label, seen, mature)),
        revision=tuple(None if each is None else each.revision for each in found),
        mature=mature,
        variant=tuple(row[7] for row in rows),
        propensity=tuple(row[8] for row in rows),
        sampled=tuple(row[9] for row in rows),
    )
