"""Who sends predictions and feedback, and what of them it may send; for every door through which they come."""

from __future__ import annotations

from dataclasses import asdict, replace

from handrail.entrypoints.http.feedback_decoded import Events, Row
from handrail.errors import Refused
from handrail.feedback import Prediction, Reason, Rejected


class Caller:
    """Who sends rows, and what of them it may send; this one anything, as its host lets nobody else in."""

    origin = "http"

    def check(self, what: str) -> None:
        """Refuse rows of that sort, prediction or feedback, before any is read.

        Raises:
            Refused: the caller may not send them.
        """

    def check_outcome(self, kind: str, source: str) -> None:
        """Refuse an event of a kind or a source that the caller may not send.

        Raises:
            Refused: as it says.
        """


def allows_all(events: Events, sender: Caller) -> bool:
    """Whether the caller may send events of every kind from every source that are named."""
    try:
        for kind, source in set(zip(events.columns["kind"], events.columns["source"], strict=True)):
            sender.check_outcome(kind, source)
    except Refused:
        return False
    return True


def allowed(row: Row, sender: Caller) -> Row:
    """Return the row, as one that is set aside if the caller may not send it; such rows say who sent them."""
    if isinstance(row, Rejected):
        return replace(row, origin=sender.origin)
    if isinstance(row, Prediction):
        return row
    try:
        sender.check_outcome(row.kind, row.source)
    except Refused as err:
        # What somebody wrote is read by nobody but with its key.
        content = {name: value for name, value in asdict(row).items() if value not in (None, "") and name != "text"}
        return Rejected("feedback", Reason.NOT_ALLOWED, "", str(err), content, sender.origin)
    return row
