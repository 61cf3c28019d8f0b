"""What is understood of somebody's table, and what was decided about it: all that the template is rendered from.

How data/source/table.parquet holds it: each column by its `field`. The subject and entities are text; the label is
true for the positive value of a binary one, text for a multiclass one, a number otherwise; moments are in UTC. The
subject, the event time and the known-at time are always there: where the table has none, they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from handrail.use_case import FieldType

MADE_SUBJECT, MADE_TIME, MADE_KNOWN = "row_id", "event_timestamp", "known_at"
"""The fields that data/source/table.parquet gets where the table has no such column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, and how the project calls it."""

    name: str
    """As in the table."""
    field: str
    """A safe Python identifier, different for each column."""
    type: FieldType
    nullable: bool
    low: float | None = None
    high: float | None = None
    """Of numbers, always: the range that validation and requests allow, with margins."""
    values: tuple[str, ...] = ()
    """Of texts: the categories in alphabetical order, none if there are more than 50."""
    example: Any = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A use case as it was understood."""

    name: str
    """Of the project, its bento and its model."""
    question: str
    source: str
    """The file's name, as it was given."""
    rows: int
    """Rows with a label."""
    subject: Column | None
    """A text. None: rows are numbered."""
    one: str
    many: str
    time: Column | None
    """None: rows got moments by a seeded shuffle."""
    known: Column | None
    """None: a day after the event."""
    zone: str
    entities: tuple[Column, ...]
    """Texts; some may be features too."""
    label: Column
    kind: str
    positive: str | None
    negative: str | None
    """Texts of the values that are 1 and 0."""
    classes: tuple[str, ...]
    features: tuple[Column, ...]
    """What a request carries and the model learns from."""
    left_out: tuple[tuple[Column, str], ...]
    """Each with the reason."""
    train_from: date
    train_until: date
    validate_until: date
    """Half-open windows of days in `zone`: train, then validate."""
    go_live: datetime
    live_until: datetime
    outcomes_until: datetime
    main_metric: str
    limit: float
    handrail: str
    """The requirement that installs this Handrail."""
    notes: tuple[str, ...] = ()
    """One sentence for each guess, with its reason and how to overrule it."""
    readings: tuple[tuple[str, str], ...] = ()
    """Of each column that is kept, as the table calls it: the name of how it was read. None in older records."""

    @property
    def subject_field(self) -> str:
        """The subject's name in the project."""
        return self.subject.field if self.subject else MADE_SUBJECT

    @property
    def time_field(self) -> str:
        """The event time's name in the project."""
        return self.time.field if self.time else MADE_TIME

    @property
    def known_field(self) -> str:
        """The name in the project of when the label is known."""
        return self.known.field if self.known else MADE_KNOWN
