"""What each kind of feedback means: its values, when it is mature, and what silence says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.errors import InvalidInput
from handrail.feedback.domain.addresses import Matching
from handrail.feedback.domain.material import Aggregation

FIRST_FIELDS = ("name", "maturity_window", "absence_means", "values", "subject_column", "label_column")
"""The fields that the first release had: digests of its snapshots cover these."""

DOOR_FIELDS = ("sources", "clock_skew", "late_after")
"""The fields that decide what is let in: no cohort of what was let in depends on them, and so no digest."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The rules of one kind of feedback, as config/feedback.yaml states them.

    `absence_means` is the label of a prediction about which nothing was said within the maturity window, or None
    if silence says nothing. `values` lists the allowed values; empty allows every finite number from `at_least` to
    `at_most`, whole ones only if `whole`.
    `subject_column` and `label_column` name the columns of an exported snapshot. `unit` is a currency code if values
    are amounts of money, which are summed; else empty.

    `matching` says what an outcome is about whose business key fits several predictions, `aggregation` what several
    items of one prediction amount to. `sources` are those who may report it; empty allows every one. `clock_skew` is
    how far a moment may lie after the one at which it was received, `late_after` when what comes is called late; None
    for both: no limit. A kind that `is_text` is what people write: it has no numbers, and no figure.
    """

    name: str
    maturity_window: timedelta
    absence_means: float | None = None
    values: tuple[float, ...] = ()
    subject_column: str = "subject"
    label_column: str = "label"
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    whole: bool = False
    matching: Matching = "latest"
    aggregation: Aggregation = "last"
    sources: tuple[str, ...] = ()
    clock_skew: timedelta | None = None
    late_after: timedelta | None = None
    is_text: bool = False

    def matured_until(self, as_of: datetime) -> datetime:
        """Return the moment at or before which a prediction was made whose window has passed at `as_of`."""
        return as_of - self.maturity_window

    def label(self, seen: float | None, mature: bool) -> float | None:
        """Return the label that holds: what was seen, or once mature what silence means."""
        return self.absence_means if seen is None and mature else seen

    def check(self, value: float | None) -> None:
        """Refuse a value that this kind does not know; None (a retraction) always passes.

        Raises:
            InvalidInput: the value is not one of the allowed ones.
        """
        if value is not None and self.is_text:
            raise InvalidInput("value", f"a {self.name} is a text, not a number", "Send it as text.")
        if value is None or self._allows(value):
            return
        if self.values:
            remedy = f"Allowed are {', '.join(f'{each:g}' for each in self.values)}."
        else:
            remedy = f"Write a {'whole ' if self.whole else ''}number{self._range()}."
        raise InvalidInput("value", f"{value!r} is not a {self.name}", remedy)

    def check_source(self, source: str) -> None:
        """Refuse a source that may not report this kind.

        Raises:
            InvalidInput: it is not one of the sources.
        """
        if self.sources and source not in self.sources:
            known = ", ".join(self.sources)
            raise InvalidInput("source", f"{source!r} may not report a {self.name}", f"Those who may: {known}.")

    def check_unit(self, unit: str) -> None:
        """Refuse a unit that is not that of this kind; an empty one always passes.

        Raises:
            InvalidInput: it is another one.
        """
        if unit and unit != self.unit:
            remedy = f"Send amounts in {self.unit}." if self.unit else "Leave the unit out."
            raise InvalidInput("unit", f"a {self.name} has no unit {unit!r}", remedy)

    def check_moment(self, occurred_at: datetime, received_at: datetime) -> None:
        """Refuse a moment that lies too far after the one at which it was received.

        Raises:
            InvalidInput: the sender's clock is wrong by more than the kind allows.
        """
        ahead = occurred_at - received_at
        if self.clock_skew is not None and ahead > self.clock_skew:
            hours = ahead / timedelta(hours=1)
            remedy = "Correct the sender's clock, or raise clock_skew_hours of this kind."
            raise InvalidInput("occurred_at", f"{occurred_at} lies {hours:,.0f} h after it was received", remedy)

    def _allows(self, value: float) -> bool:
        if self.values:
            return value in self.values
        low, high = self.at_least, self.at_most
        is_inside = (low is None or value >= low) and (high is None or value <= high)
        return is_inside and not (self.whole and value % 1)

    def _range(self) -> str:
        """Return the bounds in words, nothing if there are none."""
        low = None if self.at_least is None else f"{self.at_least:g}"
        high = None if self.at_most is None else f"{self.at_most:g}"
        if low and high:
            return f" from {low} to {high}"
        return f" from {low} on" if low else f" up to {high}" if high else ""
