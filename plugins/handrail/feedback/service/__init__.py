"""The use cases of feedback."""

from handrail.feedback.service.compaction import Compaction
from handrail.feedback.service.health import Health
from handrail.feedback.service.labels import LabelTables
from handrail.feedback.service.log import FeedbackLog
from handrail.feedback.service.mirroring import Mirror
from handrail.feedback.service.quarantine import Quarantine
from handrail.feedback.service.stores import FeedbackStores

__all__ = ["Compaction", "FeedbackLog", "FeedbackStores", "Health", "LabelTables", "Mirror", "Quarantine"]
