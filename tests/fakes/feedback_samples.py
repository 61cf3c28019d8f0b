"""The fake of the port that reads a sample of both logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.feedback.adapters.sql_tables import to_microseconds
from handrail.feedback.domain.samples import Look, Sampled
from handrail.feedback.ports import Sampler


@dataclass
class MemorySampler(Sampler):
    """`Sampler` in memory: the order of insertion is the sequence."""

    predictions: Any
    events: Any

    def sample(self, look: Look) -> Sampled:
        held = list(self.predictions.log.rows.values())
        step = max((len(held) - 1) // look.most + 1, 1)
        mine = [
            (
                row.prediction_id,
                row.subject,
                row.deployment,
                to_microseconds(row.made_at),
                row.score,
                row.label,
                row.latency_ms,
            )
            for row in held[::step]
            if row.made_at <= look.as_of and (look.deployments is None or row.deployment in look.deployments)
        ]
        wanted = {row[0] for row in mine}
        about = [
            (event, self.events.received_at(event, len(self.events.arrivals)))
            for event in self.events.log.rows.values()
            if event.prediction_id in wanted and event.kind == look.kind
        ]
        known = [(event, at) for event, at in about if at <= look.as_of]
        rows = [(e.prediction_id, e.revision, to_microseconds(e.occurred_at), e.key, e.value) for e, _ in known]
        total = sum(row.made_at <= look.as_of for row in held) if look.deployments is None else None
        return Sampled(mine, rows, [to_microseconds(at) for _, at in known], total, step)
