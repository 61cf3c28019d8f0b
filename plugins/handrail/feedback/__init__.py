"""Feedback: predictions, their outcomes, and what is known at a moment. These are the public names."""

from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.figures import Clusters, Figure
from handrail.feedback.domain.samples import Overview, groups
from handrail.feedback.domain.snapshots import Snapshot
from handrail.feedback.domain.values import DeploymentRecord, Feedback, Prediction, Receipt, prediction_id_for
from handrail.feedback.service import FeedbackLog

__all__ = [
    "Clusters",
    "Cohort",
    "DeploymentRecord",
    "Feedback",
    "FeedbackLog",
    "Figure",
    "Overview",
    "groups",
    "Prediction",
    "Receipt",
    "Snapshot",
    "prediction_id_for",
]
