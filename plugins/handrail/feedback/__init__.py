"""Feedback: predictions, their outcomes, and what is known at a moment. These are the public names."""

from handrail.feedback.domain.assignment import Assignment, assign
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.comparison_plan import (
    ComparisonArm,
    ComparisonPlan,
    Guard,
    Measure,
    Sides,
    VersionComparison,
)
from handrail.feedback.domain.expected import Expected, Hindsight, expected_of
from handrail.feedback.domain.figures import Clusters, Figure, JudgedWindow
from handrail.feedback.domain.links import ExpiredLink, ForeignLink, Link
from handrail.feedback.domain.links import choices as link_choices
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.messages import Message, StreamAddress
from handrail.feedback.domain.parts import Compacted
from handrail.feedback.domain.quarantine import Held, Reason, Refusal, Rejected
from handrail.feedback.domain.queue import LabelQueue, QueueFigure, QueuePlan, QueueTask, plan_of
from handrail.feedback.domain.reviews import Review, Written
from handrail.feedback.domain.samples import Overview, groups
from handrail.feedback.domain.snapshot_changes import WHYS as CHANGES
from handrail.feedback.domain.snapshot_changes import Change as SnapshotChange
from handrail.feedback.domain.snapshot_changes import Included, Standing, Tally
from handrail.feedback.domain.snapshots import Snapshot
from handrail.feedback.domain.sources import SourcedLabels
from handrail.feedback.domain.summaries import Orphans, Rate, Recent, Spooled, Summary
from handrail.feedback.domain.values import DeploymentRecord, Feedback, Prediction, Receipt, prediction_id_for
from handrail.feedback.service import FeedbackLog, Health, LabelTables, Quarantine
from handrail.feedback.service.comparing import compare_versions
from handrail.feedback.service.consuming import Consumed, Consuming
from handrail.feedback.service.links import Asked, Links
from handrail.feedback.service.queues import make_queue, measure_queue
from handrail.feedback.service.sources import LabelSources

__all__ = [
    "Asked",
    "Assignment",
    "CHANGES",
    "Clusters",
    "Cohort",
    "Compacted",
    "ComparisonArm",
    "ComparisonPlan",
    "Consumed",
    "Consuming",
    "DeploymentRecord",
    "Expected",
    "ExpiredLink",
    "Feedback",
    "FeedbackLog",
    "Figure",
    "Included",
    "JudgedWindow",
    "ForeignLink",
    "LabelQueue",
    "LabelSources",
    "LabelTables",
    "Guard",
    "Health",
    "Held",
    "Hindsight",
    "Measure",
    "Link",
    "Links",
    "Message",
    "Orphans",
    "Overview",
    "groups",
    "Prediction",
    "Quarantine",
    "QueueFigure",
    "QueuePlan",
    "QueueTask",
    "Reason",
    "Rate",
    "Receipt",
    "Recent",
    "Refusal",
    "Rejected",
    "Review",
    "Sides",
    "Scope",
    "Snapshot",
    "SnapshotChange",
    "SourcedLabels",
    "StreamAddress",
    "Spooled",
    "Standing",
    "Summary",
    "Tally",
    "VersionComparison",
    "Written",
    "assign",
    "compare_versions",
    "expected_of",
    "link_choices",
    "make_queue",
    "measure_queue",
    "plan_of",
    "prediction_id_for",
]
