"""Lineage: what made a prediction, and what a file reached. These are the public names; modules below are internal."""

from handrail.lineage.domain.answers import Impact, NodeDetails, Page, Trace
from handrail.lineage.domain.callers import HolderKind, TokenRecord
from handrail.lineage.domain.completeness import Completeness, completeness_of
from handrail.lineage.domain.direct_path import Step, direct_path
from handrail.lineage.domain.errors import AmbiguousReference, NotYetSet, OutOfScope
from handrail.lineage.domain.events import IntakeResult
from handrail.lineage.domain.facts import ActivityDetails, ColumnFact, Facts
from handrail.lineage.domain.flaws import Acceptance, Coverage, Diagnosis, Flaw, RunSummary
from handrail.lineage.domain.graph import DigestConflict, Direction, Edge, Node, Pointer
from handrail.lineage.domain.limits import MAX_COUNTED, MAX_LISTED, MAX_NODES, TRUNCATED
from handrail.lineage.domain.locked import LockedFile, LockedStage, OutsideData
from handrail.lineage.domain.names import (
    UNSHOWABLE,
    agent_uri,
    artifact_at,
    check_uri,
    inputs_uri,
    permit_uri,
    report_uri,
    snapshot_uri,
    tree_uri,
)
from handrail.lineage.domain.outbox import Forwarded
from handrail.lineage.domain.pipeline import Member, PipelineRecord, data_at, tree_digest
from handrail.lineage.domain.scopes import May, TokenScope
from handrail.lineage.domain.sections import Section, sections_of
from handrail.lineage.domain.timeline import Period
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.lineage.service.access import Access
from handrail.lineage.service.doctor import Doctor
from handrail.lineage.service.forwarding import Forwarder
from handrail.lineage.service.intake import EventIntake
from handrail.lineage.service.lineage import Lineage
from handrail.lineage.service.queries import Queries

__all__ = [
    "MAX_COUNTED",
    "MAX_LISTED",
    "MAX_NODES",
    "TRUNCATED",
    "ColumnFact",
    "Completeness",
    "Facts",
    "Queries",
    "Acceptance",
    "Access",
    "ActivityDetails",
    "AmbiguousReference",
    "Coverage",
    "Diagnosis",
    "DigestConflict",
    "Direction",
    "Doctor",
    "Edge",
    "EventIntake",
    "Flaw",
    "Forwarded",
    "Forwarder",
    "HolderKind",
    "Impact",
    "Lineage",
    "LockedFile",
    "LockedStage",
    "May",
    "Member",
    "Node",
    "NotYetSet",
    "Page",
    "OutsideData",
    "PipelineRecord",
    "Pointer",
    "NodeDetails",
    "OutOfScope",
    "IntakeResult",
    "Period",
    "Role",
    "RunSummary",
    "Section",
    "Step",
    "TokenRecord",
    "TokenScope",
    "Trace",
    "UNSHOWABLE",
    "Verb",
    "agent_uri",
    "artifact_at",
    "check_uri",
    "completeness_of",
    "data_at",
    "direct_path",
    "inputs_uri",
    "permit_uri",
    "report_uri",
    "snapshot_uri",
    "sections_of",
    "tree_digest",
    "tree_uri",
]
