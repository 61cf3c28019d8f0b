"""The use cases of lineage: the graph and its questions, and the intake of events."""

from handrail.lineage.service.graph import MAX_NODES, Lineage, LineagePorts
from handrail.lineage.service.intake import EventIntake, IntakePorts

__all__ = ["MAX_NODES", "EventIntake", "IntakePorts", "Lineage", "LineagePorts"]
