"""What the log of feedback stands on: an adapter of each port."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.feedback.ports import (
    Auditor,
    DeploymentBook,
    EventLog,
    Intake,
    LabelReader,
    LogReader,
    PredictionLog,
    Pulse,
    QuarantineBook,
    Sampler,
    SnapshotBook,
)
from handrail.feedback.snapshot_ports import OrderedRows


@dataclass(frozen=True, slots=True)
class FeedbackStores:
    """The adapters that the log uses."""

    intake: Intake
    deployments: DeploymentBook
    predictions: PredictionLog
    events: EventLog
    reader: LogReader
    snapshots: SnapshotBook
    auditor: Auditor
    sampler: Sampler
    quarantine: QuarantineBook
    labels: LabelReader
    pulse: Pulse
    rows: OrderedRows
