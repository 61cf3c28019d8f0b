"""The fake of the port that reads a sample of both logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.feedback.domain.addresses import Matching, address_of, matches
from handrail.feedback.domain.material import EventRow, PredictionRow
from handrail.feedback.domain.samples import Look, Sampled
from handrail.feedback.domain.values import Feedback, Prediction, microseconds
from handrail.feedback.ports import Sampler


@dataclass
class MemorySampler(Sampler):
    """`Sampler` in memory: the order of insertion is the sequence."""

    predictions: Any
    events: Any

    def sample(self, look: Look) -> Sampled:
        held = list(self.predictions.log.rows.values())
        fitting = [
            row
            for row in held
            if row.made_at <= look.as_of and (look.deployments is None or row.deployment in look.deployments)
        ]
        step = look.step(len(fitting))
        mine = [plain_row(row) for row in fitting[::step]]
        wanted = {row[0] for row in mine}
        every = [event for event in self.events.log.rows.values() if event.kind == look.kind]
        heard = {event.key: self.events.received_at(event, len(self.events.arrivals)) for event in every}
        rivals = [row for row in held if row.made_at <= look.as_of]
        about = events_about(every, rivals, look.matching)
        rows = [row for row in about if row[0] in wanted and heard[row[3]] <= look.as_of]
        total = sum(row.made_at <= look.as_of for row in held) if look.deployments is None else None
        return Sampled(mine, rows, [microseconds(heard[row[3]]) for row in rows], total, step)


def plain_row(row: Prediction) -> PredictionRow:
    """Return a prediction as it is read back."""
    measured = (row.latency_ms, row.variant, row.propensity, row.sampled)
    return (row.prediction_id, row.subject, row.deployment, microseconds(row.made_at), row.score, row.label, *measured)


def events_about(events: Iterable[Feedback], rivals: Sequence[Prediction], matching: Matching) -> Iterator[EventRow]:
    """Yield each event as it is read back, once for each prediction that it is about."""
    plain = [(row.prediction_id, row.subject, microseconds(row.made_at), row.deployment) for row in rivals]
    for event in events:
        address = address_of(event)
        names = matches(address, plain, matching) if event.subject else [event.prediction_id]
        for name in names:
            yield (name, event.revision, address.occurred_at, event.key, event.value, event.item)
