"""Feedback: predictions, their outcomes, and what is known at a moment. These are the public names."""

from handrail.feedback.domain import (
    Cohort,
    DeploymentRecord,
    Feedback,
    Prediction,
    Receipt,
    Snapshot,
    prediction_id_for,
)
from handrail.feedback.service import FeedbackLog

__all__ = [
    "Cohort",
    "DeploymentRecord",
    "Feedback",
    "FeedbackLog",
    "Prediction",
    "Receipt",
    "Snapshot",
    "prediction_id_for",
]
