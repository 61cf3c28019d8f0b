"""What each kind of feedback means: its values, when it is mature, and what silence says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Kind:
    """The rules of one kind of feedback, as config/feedback.yaml states them.

    `absence_means` is the label of a prediction about which nothing was said within the maturity window, or None
    if silence says nothing. `values` lists the allowed values; empty allows every finite number.
    `subject_column` and `label_column` name the columns of an exported snapshot.
    """

    name: str
    maturity_window: timedelta
    absence_means: float | None = None
    values: tuple[float, ...] = ()
    subject_column: str = "subject"
    label_column: str = "label"

    def is_mature(self, made_at: datetime, as_of: datetime) -> bool:
        """Claim that the window of a prediction made then has passed."""
        return as_of - made_at >= self.maturity_window

    def label_at(self, made_at: datetime, as_of: datetime, seen: float | None) -> float | None:
        """Return the label that holds at `as_of`: what was seen, or after the window what silence means."""
        if seen is not None or not self.is_mature(made_at, as_of):
            return seen
        return self.absence_means

    def check(self, value: float | None) -> None:
        """Refuse a value that this kind does not know; None (a retraction) always passes.

        Raises:
            InvalidInput: the value is not one of the allowed ones.
        """
        if value is not None and self.values and value not in self.values:
            allowed = ", ".join(f"{each:g}" for each in self.values)
            raise InvalidInput("value", f"{value!r} is no {self.name}", f"Allowed are {allowed}.")
