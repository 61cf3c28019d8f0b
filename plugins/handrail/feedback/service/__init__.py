"""The use cases of feedback."""

from handrail.feedback.service.log import FeedbackLog, FeedbackStores
from handrail.feedback.service.quarantine import Quarantine

__all__ = ["FeedbackLog", "FeedbackStores", "Quarantine"]
