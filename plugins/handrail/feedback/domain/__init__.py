"""The values and rules of feedback. Nothing here reads a clock, a file or a database."""

from handrail.feedback.domain.amounts import sum_amounts
from handrail.feedback.domain.cohorts import Cohort, build_cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.ledger import EventRow, Mark, Material, PredictionRow, Scope, current_events
from handrail.feedback.domain.snapshots import Label, LabelTable, Snapshot, SnapshotChanged, build_snapshot, label_table
from handrail.feedback.domain.values import (
    DeploymentRecord,
    Feedback,
    Prediction,
    Quarantined,
    Receipt,
    Status,
    prediction_id_for,
)

__all__ = [
    "Cohort",
    "DeploymentRecord",
    "EventRow",
    "Feedback",
    "Kind",
    "Label",
    "LabelTable",
    "Mark",
    "Material",
    "Prediction",
    "PredictionRow",
    "Quarantined",
    "Receipt",
    "Scope",
    "Snapshot",
    "SnapshotChanged",
    "Status",
    "build_cohort",
    "build_snapshot",
    "current_events",
    "label_table",
    "prediction_id_for",
    "sum_amounts",
]
