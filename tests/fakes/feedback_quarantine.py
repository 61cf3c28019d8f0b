"""The fakes of the ports that look over the log: counts, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from handrail.feedback.adapters.sql_append import CONFLICT
from handrail.feedback.domain.quarantine import Held, Reason, Rejected, State, Step, content_of
from handrail.feedback.domain.values import Damage, Feedback, Status
from handrail.feedback.ports import Auditor, QuarantineBook

LIMITLESS = 10**9
LONG_AGO = datetime(2013, 8, 1, 4, tzinfo=UTC)


@dataclass
class MemoryAuditor(Auditor):
    """`Auditor` in memory."""

    predictions: Any
    events: Any
    snapshots: Any
    quarantine: MemoryQuarantine

    def status(self) -> Status:
        events = list(self.events.log.rows.values())
        return Status(
            deployments=len(self.predictions.deployments.records),
            predictions=len(self.predictions.log.rows),
            feedback=len(events),
            orphans=sum(not self._has_prediction(event) for event in events),
            conflicts=len(self.predictions.log.quarantine) + len(self.events.log.quarantine),
            snapshots=len(self.snapshots.kept),
            quarantined=len(self.quarantine.held(LIMITLESS, "open", None)),
        )

    def _has_prediction(self, event: Feedback) -> bool:
        held = self.predictions.log.rows
        return event.prediction_id in held or any(row.subject == event.subject for row in held.values())

    def damages(self) -> tuple[Damage, ...]:
        return ()


@dataclass
class MemoryQuarantine(QuarantineBook):
    """`QuarantineBook` in memory: conflicts are taken over from the logs when they are asked for."""

    predictions: Any
    events: Any
    rows: dict[bytes, Held] = field(default_factory=dict)

    def add(self, rows: Sequence[Rejected], at: datetime) -> None:
        self._all()
        for row in rows:
            self._keep(row, row.identifier, row.body_digest(), content_of(row.text), at)

    def held(self, limit: int, state: State | None, reason: Reason | None) -> tuple[Held, ...]:
        newest = reversed(self._all())
        return tuple(row for row in newest if state in (None, row.state) and reason in (None, row.reason))[:limit]

    def find(self, number: int) -> Held | None:
        return next((row for row in self._all() if row.number == number), None)

    def step(self, step: Step) -> None:
        for digest, row in self.rows.items():
            if row.number == step.number:
                changed: dict[str, Any] = {
                    "state": step.state,
                    "note": step.note,
                    "changed_by": step.by,
                    "changed_at": step.at,
                }
                self.rows[digest] = replace(row, content=step.content or row.content, **changed)

    def _all(self) -> list[Held]:
        for log in (self.predictions.log, self.events.log):
            for (key, digest), value in log.quarantine.items():
                clash = Rejected(log.what, Reason.CONFLICT, "", CONFLICT, asdict(value))
                self._keep(clash, key, digest, content_of(clash.text), LONG_AGO)
        return list(self.rows.values())

    def _keep(self, row: Rejected, identifier: str, digest: bytes, content: Any, at: datetime) -> None:
        about = (row.what, identifier, row.reason, row.field, row.problem, content, row.origin, at)
        self.rows.setdefault(digest, Held(len(self.rows) + 1, *about))
