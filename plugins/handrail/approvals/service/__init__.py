"""The use cases of the approval gates."""

from handrail.approvals.service.gate import Gate, GatePorts, Opening
from handrail.approvals.service.guard import Guard
from handrail.approvals.service.publishing import Publisher
from handrail.approvals.service.records import Approvals, RequestView

__all__ = ["Approvals", "Gate", "GatePorts", "Guard", "Opening", "Publisher", "RequestView"]
