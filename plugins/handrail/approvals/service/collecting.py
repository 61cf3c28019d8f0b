"""Removes copies of trees that no request is about, as an interruption between copy and ledger leaves them."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.approvals.evidence_ports import TreeCopies
from handrail.approvals.ports import RequestIndex

PAGE = 100
UNCLAIMED = timedelta(hours=1)
"""How long a copy may lie there without a request: its request may be on its way."""


def collect_copies(index: RequestIndex, copies: TreeCopies, now: datetime) -> int:
    """Remove what belongs to no request, whatever became of it; return how many files. Called at start-up."""
    keep: set[str] = set()
    after: int | None = 0
    while after is not None:
        page = index.page(after, PAGE)
        for request in (history.request for history in page.histories):
            keep |= {request.subject.tree_digest, request.incumbent_tree or request.subject.tree_digest}
        after = page.after
    return copies.collect(keep, now - UNCLAIMED)
