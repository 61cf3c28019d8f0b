"""What predictions earned according to feedback: exact sums of amounts of money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from handrail.feedback.domain.material import EventRow, current_events
from handrail.money import add_exactly


def sum_amounts(reported: Iterable[tuple[str, EventRow]]) -> dict[str, Decimal]:
    """Sum the current amounts by deployment, from every event of one kind with the deployment that it is about.

    What was superseded or retracted does not count. Each amount is the shortest decimal that reads back as the number
    that was sent, so 19.99 is 19.99 and the sum does not depend on any order.
    """
    made_by: dict[str, str] = {}
    events: list[EventRow] = []
    for deployment, event in reported:
        made_by[event[0]] = deployment
        events.append(event)
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for prediction_id, event in current_events(events).items():
        if event[4] is not None:
            amounts[made_by[prediction_id]].append(Decimal(repr(float(event[4]))))
    return {deployment: add_exactly(brought) for deployment, brought in amounts.items()}
