"""When a request has waited so long that its decisions are about yesterday's world."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.questions import waited

REQUEST_DAYS = 30


def why_expired(history: History, days: int, now: datetime) -> tuple[str, ...]:
    """Return in a sentence that a request has waited longer than these days, nothing if it has not.

    The time in which a question was open does not count. What was rejected stays rejected. A clock that went back
    behind the newest event of the request is not believed.
    """
    if any(decision.choice is Choice.REJECT for decision in history.decisions):
        return ()
    moment = max([now, *(event.at for event in history.events)])
    if waited(history, moment) <= timedelta(days=days):
        return ()
    return (f"It has waited longer than the {days} days that its policy gives a request; ask again.",)
