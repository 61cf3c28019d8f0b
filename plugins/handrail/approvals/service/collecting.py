"""Removes copies of trees that no request is about, as an interruption between copy and ledger leaves them."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.approvals.evidence_ports import TreeCopies
from handrail.approvals.ports import RequestIndex

UNCLAIMED = timedelta(hours=1)
"""How long a copy may lie there without a request: its request may be on its way."""


def collect_copies(index: RequestIndex, copies: TreeCopies, now: datetime) -> int:
    """Remove what belongs to no request, whatever became of it; return how many files. Called at start-up."""
    keep = {history.request.subject.tree_digest for history in index.find()}
    return copies.collect(keep, now - UNCLAIMED)
