"""What predictions earned according to feedback: exact sums of amounts of money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from handrail.feedback.domain.material import Aggregation, EventRow, current_events, current_values
from handrail.money import add_exactly


def sum_amounts(reported: Iterable[tuple[str, EventRow]], aggregation: Aggregation = "sum") -> dict[str, Decimal]:
    """Sum the current amounts by deployment, from every event of one kind with the deployment that it is about.

    What was superseded or retracted does not count, and of several items about one prediction what the rule of the kind
    makes of them. Each amount is the shortest decimal that reads back as the number that was sent, so 19.99 is 19.99
    and the sum does not depend on any order.
    """
    made_by: dict[str, str] = {}
    events: list[EventRow] = []
    for deployment, event in reported:
        made_by[event[0]] = deployment
        events.append(event)
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for prediction_id, value in _standing(events, aggregation):
        if value is not None:
            amounts[made_by[prediction_id]].append(Decimal(repr(float(value))))
    return {deployment: add_exactly(brought) for deployment, brought in amounts.items()}


def _standing(events: list[EventRow], aggregation: Aggregation) -> Iterator[tuple[str, float | None]]:
    if aggregation == "sum":
        # Item by item: a sum of doubles would round.
        yield from ((name, event[4]) for (name, _), event in current_events(events).items())
    else:
        yield from ((name, held.value) for name, held in current_values(events, aggregation).items())
