"""The use cases of feedback."""

from handrail.feedback.service.log import FeedbackLog
from handrail.feedback.service.quarantine import Quarantine
from handrail.feedback.service.stores import FeedbackStores

__all__ = ["FeedbackLog", "FeedbackStores", "Quarantine"]
