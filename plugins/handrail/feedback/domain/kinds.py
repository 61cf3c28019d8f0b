"""What each kind of feedback means: its values, when it is mature, and what silence says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Kind:
    """The rules of one kind of feedback, as config/feedback.yaml states them.

    `absence_means` is the label of a prediction about which nothing was said within the maturity window, or None
    if silence says nothing. `values` lists the allowed values; empty allows every finite number from `at_least` to
    `at_most`, whole ones only if `whole`.
    `subject_column` and `label_column` name the columns of an exported snapshot. `unit` is a currency code if values
    are amounts of money, which are summed; else empty.
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
        if value is None or self._allows(value):
            return
        if self.values:
            remedy = f"Allowed are {', '.join(f'{each:g}' for each in self.values)}."
        else:
            remedy = f"Write a {'whole ' if self.whole else ''}number{self._range()}."
        raise InvalidInput("value", f"{value!r} is not a {self.name}", remedy)

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
