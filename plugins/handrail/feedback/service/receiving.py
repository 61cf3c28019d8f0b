"""The door of the log: of a batch, what is good is recorded and what is not is set aside, each row for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from handrail.errors import HandrailError, InvalidInput, UnknownReference
from handrail.feedback.domain.event_columns import sift_events
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.quarantine import Rejected, rejected
from handrail.feedback.domain.reviews import Review
from handrail.feedback.domain.values import Feedback, Prediction, Receipt
from handrail.feedback.ports import Intake

Row = Prediction | Feedback | Rejected
"""What a door made of one row that it was sent."""


READ = "Read what was written: handrail feedback reviews."
NONE_DECLARED = (
    "Declared in config/feedback.yaml: none. Write there what outcomes mean, such as: "
    "{version: 1, kinds: {ground_truth: {maturity_window_hours: 24}}}"
)


@dataclass(frozen=True, slots=True)
class Receiving:
    """Takes rows of any kind from any door."""

    intake: Intake
    kinds: Mapping[str, Kind]

    def receive(self, rows: Sequence[Row], origin: str | Sequence[str] = "") -> Receipt:
        """Record what is good durably and set aside what is not, each row for itself; repeating it changes nothing.

        The receipt names each row that was set aside by its place and the reason. `origin` says where they
        came from, all of them or each.

        Raises:
            Busy: too much waits to be written; nothing was taken, send the rows again in a moment.
            Unavailable: the store is not there; send the rows again.
        """
        origins = [origin] * len(rows) if isinstance(origin, str) else origin
        checked = list(map(self._checked, rows, origins))
        return self.intake.keep(checked)

    def receive_events(self, columns: Mapping[str, Sequence[Any]], origin: str = "") -> Receipt:
        """Record events by columns; what is good is recorded and what is not is set aside as in `receive`.

        Raises:
            InvalidInput: a column is missing, unknown, or of another length; nothing is recorded.
            Busy, Unavailable: as in `receive`.
        """
        sifted = sift_events(columns, self.kinds, lambda event: check(event, self.kinds), origin)
        return self.intake.keep_events(sifted)

    def _checked(self, row: Row, origin: str) -> Row:
        if not isinstance(row, Feedback):
            return row
        try:
            check(row, self.kinds)
        except HandrailError as err:
            # What somebody wrote is read by nobody but with its key.
            content = {name: value for name, value in asdict(row).items() if name != "text"}
            return rejected("feedback", err, content, origin)
        return row


def find_kind(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """Return the rules of a kind that has figures.

    Raises:
        UnknownReference: the kind is not declared.
        InvalidInput: it is of texts.
    """
    kind = declared_kind(name, kinds)
    if kind.is_text:
        raise InvalidInput("kind", f"a {name} is a text, of which there is no figure", READ)
    return kind


def declared_kind(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """Return the rules of a kind.

    Raises:
        UnknownReference: the kind is not declared.
    """
    kind = kinds.get(name)
    if kind is None:
        known = f"Declared in config/feedback.yaml: {', '.join(sorted(kinds))}." if kinds else NONE_DECLARED
        raise UnknownReference("kind", name, known)
    return kind


def check(event: Feedback, kinds: Mapping[str, Kind]) -> None:
    """Refuse an event that its kind does not let in.

    Raises:
        UnknownReference: the kind is not declared.
        InvalidInput: it does not allow the value, the source, the unit or the moment.
    """
    kind = declared_kind(event.kind, kinds)
    if not isinstance(event, Review):
        kind.check(event.value)
    elif not kind.is_text:
        raise InvalidInput("text", f"a {event.kind} is a number, not a text", "Send it as value.")
    kind.check_source(event.source)
    kind.check_unit(event.unit)
    kind.check_moment(event.occurred_at, event.received_at)
