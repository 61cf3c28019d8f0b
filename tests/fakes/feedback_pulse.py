"""The fake of the port that counts what came lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.feedback.domain.parts import What
from handrail.feedback.domain.summaries import Orphans, Rate, Recent
from handrail.feedback.ports import Pulse

LIMITLESS = 10**9


@dataclass
class MemoryPulse(Pulse):
    """`Pulse` in memory."""

    predictions: Any
    events: Any
    quarantine: Any

    def recorded(self) -> Mapping[What, int]:
        return {"predictions": len(self.predictions.log.rows), "events": len(self.events.log.rows)}

    def recent(self, as_of: datetime, most: int) -> Recent:
        predictions, events = list(self.predictions.log.rows.values()), list(self.events.log.rows.values())
        known = [event for event in events[-min(most, 10_000) :] if event.received_at <= as_of]
        lost = Counter(event.kind for event in known if not self._has_prediction(event, predictions))
        seen = Counter(event.kind for event in known)
        return Recent(
            _rates(as_of, ((each.deployment, each.made_at) for each in predictions[-most:])),
            _rates(as_of, ((each.kind, each.received_at) for each in events[-most:])),
            {kind: Orphans(seen[kind], lost[kind]) for kind in sorted(seen)},
            dict(Counter(str(row.reason) for row in self.quarantine.held(LIMITLESS, "open", None))),
            len(predictions) > most or len(events) > most,
        )

    def _has_prediction(self, event: Any, predictions: Sequence[Any]) -> bool:
        by_id = event.prediction_id in self.predictions.log.rows
        return by_id or any(event.subject == each.subject for each in predictions)


def _rates(as_of: datetime, named: Iterable[tuple[str, datetime]]) -> dict[str, Rate]:
    counts: dict[str, list[int]] = {}
    for name, at in named:
        if as_of - timedelta(days=1) < at <= as_of:
            held = counts.setdefault(name, [0, 0])
            held[0] += at > as_of - timedelta(hours=1)
            held[1] += 1
    return {name: Rate(*counts[name]) for name in sorted(counts)}
