"""Looks into lineage for what a policy requires of it: when a request is opened, and before each decision."""

from __future__ import annotations

from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.requirements import requires_lineage
from handrail.approvals.domain.subject import Candidate, Subject
from handrail.approvals.domain.tracing import COMPLETE, Traced
from handrail.approvals.evidence_ports import LineageTraces
from handrail.approvals.service.asking import Opening


def trace_for(
    traces: LineageTraces, policy: Policy, opening: Opening, candidate: Candidate, tree_digest: str
) -> Traced | None:
    """Return what the trace of a candidate ends at; None where the policy or the kind of request does not ask for it.

    Raises:
        Unavailable: lineage cannot be read.
    """
    if opening.is_short or not requires_lineage(policy):
        return None
    return traces.traced(candidate, tree_digest)


def why_incomplete_now(traces: LineageTraces, bound: Subject, candidate: Candidate) -> tuple[str, ...]:
    """Return what the trace of a candidate lacks now that was complete when the request was opened.

    Raises:
        Unavailable: lineage cannot be read.
    """
    if bound.lineage != COMPLETE:
        return ()
    now = traces.traced(candidate, bound.tree_digest)
    return tuple(f"Since the request was opened, its lineage became incomplete: {gap}" for gap in now.examples)
