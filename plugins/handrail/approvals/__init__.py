"""Approvals: who allowed which bytes, by which rule, on what evidence. These are the public names."""

from typing import TYPE_CHECKING

from handrail.approvals.domain.attempts import AttemptKind
from handrail.approvals.domain.differences import Changes
from handrail.approvals.domain.errors import (
    Closed,
    LogMismatch,
    MovedMeanwhile,
    MoveUnderWay,
    NotAsShown,
    NotEligible,
    NotSigned,
    Protected,
    StillReading,
    TamperedLog,
    UnderEvaluation,
    UnverifiedBytes,
)
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Finding, Severity
from handrail.approvals.domain.notices import keeping_blocks, without_blocks
from handrail.approvals.domain.permit import Permit
from handrail.approvals.domain.short_requests import emergency_name
from handrail.approvals.domain.signatures import DecisionText, PersonSignature, moment_text
from handrail.approvals.domain.subject import Candidate, Purpose
from handrail.approvals.domain.texts import plain_text, shown
from handrail.approvals.domain.wording import Wording
from handrail.approvals.evidence_ports import Snapshots
from handrail.approvals.service import (
    BOUNDS_S,
    JUST_BEFORE,
    Approvals,
    Attempts,
    Confirmations,
    Confirmed,
    Differences,
    Evaluations,
    Figures,
    Gate,
    GateFigures,
    Guard,
    Notices,
    Opening,
    Past,
    PastView,
    PredictionDesk,
    Report,
    RequestView,
    Reviewers,
    Reviewing,
    RuleChanges,
    RuleWatch,
    RunFile,
    SnapshotView,
    Tenure,
    UrgentWays,
    Wanted,
    urgent_ways,
)
from handrail.approvals.service.guard import PROMPT_TAG, is_bound_tag, is_reserved_tag
from handrail.lazy import lazy_names
from handrail.refs import Use

if TYPE_CHECKING:
    from handrail.approvals.adapters.ed25519_people import SigningKey
    from handrail.approvals.adapters.ed25519_permits import PermitVerifier
    from handrail.approvals.adapters.folder_witness import FolderWitness
    from handrail.approvals.adapters.log_verifier import LogVerifier

__all__ = [
    "Approvals",
    "AttemptKind",
    "Attempts",
    "BOUNDS_S",
    "Candidate",
    "Changes",
    "Choice",
    "Closed",
    "Confirmations",
    "Confirmed",
    "DecisionText",
    "Differences",
    "Evaluations",
    "Figures",
    "Finding",
    "FolderWitness",
    "Gate",
    "GateFigures",
    "Guard",
    "JUST_BEFORE",
    "LogMismatch",
    "LogVerifier",
    "MoveUnderWay",
    "MovedMeanwhile",
    "NotAsShown",
    "NotEligible",
    "NotSigned",
    "Notices",
    "Opening",
    "PROMPT_TAG",
    "Past",
    "PastView",
    "Permit",
    "PermitVerifier",
    "PersonSignature",
    "PredictionDesk",
    "Protected",
    "Purpose",
    "Report",
    "RequestView",
    "Reviewers",
    "Reviewing",
    "RuleChanges",
    "RuleWatch",
    "RunFile",
    "Severity",
    "SigningKey",
    "SnapshotView",
    "Snapshots",
    "StillReading",
    "TamperedLog",
    "Tenure",
    "UnderEvaluation",
    "UnverifiedBytes",
    "UrgentWays",
    "Use",
    "Wanted",
    "Wording",
    "emergency_name",
    "is_bound_tag",
    "is_reserved_tag",
    "keeping_blocks",
    "moment_text",
    "plain_text",
    "shown",
    "urgent_ways",
    "without_blocks",
]

# The rules beside it need no cryptography.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "handrail.approvals.adapters.ed25519_people": ("SigningKey",),
        "handrail.approvals.adapters.ed25519_permits": ("PermitVerifier",),
        "handrail.approvals.adapters.folder_witness": ("FolderWitness",),
        "handrail.approvals.adapters.log_verifier": ("LogVerifier",),
    },
)
