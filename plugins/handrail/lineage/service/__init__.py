"""The use cases of lineage: the graph and its questions, events in and out, and who may use them over HTTP."""

from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.access import Access
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from handrail.lineage.service.forwarding import Forwarder
from handrail.lineage.service.intake import EventIntake, IntakePorts
from handrail.lineage.service.lineage import Lineage
from handrail.lineage.service.queries import Queries

__all__ = [
    "Access",
    "Doctor",
    "DoctorPorts",
    "EventIntake",
    "Forwarder",
    "IntakePorts",
    "Lineage",
    "LineagePorts",
    "Queries",
]
