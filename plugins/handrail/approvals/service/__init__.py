"""The use cases of the approval gates."""

from handrail.approvals.service.asking import GatePorts, Opening
from handrail.approvals.service.attempts import Attempts
from handrail.approvals.service.bound_files import RunFile
from handrail.approvals.service.confirming import Confirmations, Confirmed
from handrail.approvals.service.differences import Differences
from handrail.approvals.service.evaluations import EvaluationPorts, Evaluations
from handrail.approvals.service.findings import Findings, Report
from handrail.approvals.service.gate import Gate
from handrail.approvals.service.gate_figures import BOUNDS_S, Figures, GateFigures
from handrail.approvals.service.guard import Guard
from handrail.approvals.service.notices import Notices
from handrail.approvals.service.paging import Wanted
from handrail.approvals.service.past import JUST_BEFORE, Past, PastView
from handrail.approvals.service.prediction_desk import PredictionDesk
from handrail.approvals.service.publishing import Publisher
from handrail.approvals.service.quota import Limits
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.reviewers import Reviewers, Reviewing
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.approvals.service.rule_watch import RuleWatch
from handrail.approvals.service.snapshot_desk import SnapshotView
from handrail.approvals.service.tenures import Tenure
from handrail.approvals.service.urgent import UrgentWays, urgent_ways

__all__ = [
    "Approvals",
    "Attempts",
    "BOUNDS_S",
    "Confirmations",
    "Confirmed",
    "Differences",
    "EvaluationPorts",
    "Evaluations",
    "Figures",
    "Findings",
    "Gate",
    "GateFigures",
    "GatePorts",
    "Guard",
    "Limits",
    "JUST_BEFORE",
    "Notices",
    "Opening",
    "Past",
    "PastView",
    "PredictionDesk",
    "Publisher",
    "Report",
    "RequestView",
    "Reviewers",
    "Reviewing",
    "RuleChanges",
    "RuleWatch",
    "RunFile",
    "SnapshotView",
    "Tenure",
    "UrgentWays",
    "Wanted",
    "urgent_ways",
]
