"""The use cases of lineage: the graph and its questions, events in and out, and who may use them over HTTP."""

from handrail.lineage.service.access import Access
from handrail.lineage.service.asking import MAX_NODES
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from handrail.lineage.service.forwarding import Forwarder
from handrail.lineage.service.foundation import LineagePorts
from handrail.lineage.service.graph import Lineage
from handrail.lineage.service.intake import EventIntake, IntakePorts

__all__ = [
    "MAX_NODES",
    "Access",
    "Doctor",
    "DoctorPorts",
    "EventIntake",
    "Forwarder",
    "IntakePorts",
    "Lineage",
    "LineagePorts",
]
