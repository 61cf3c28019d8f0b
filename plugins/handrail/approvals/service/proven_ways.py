"""Requests with a short way for callers that are not trusted: each follows from what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.events import History, Reverting
from handrail.approvals.domain.subject import PromotionRequest, Purpose, Subject
from handrail.approvals.ports import Ledger, RequestIndex
from handrail.approvals.service.short_ways import approvals_before, expires, why_no_way_back
from handrail.clock import Clock

SAME = ("server", "model", "epoch", "version", "created", "alias", "tree_digest")
"""In what a confirmation is about the same as the emergency."""


@dataclass(frozen=True, slots=True)
class ProvenWays:
    """Says why something with a short way cannot be stored; None if it can."""

    ledger: Ledger
    index: RequestIndex
    clock: Clock

    def why_no_request(self, request: PromotionRequest) -> str | None:
        """Return why a request cannot be one with a short way."""
        subject = request.subject
        if back := why_no_way_back(subject, self.index):
            return " ".join(back)
        if subject.purpose is Purpose.CONFIRMATION:
            return self._why_not_confirmed(request, self.ledger.load(str(subject.about)))
        if subject.purpose is Purpose.REVERT:
            return self._why_not_reverted(subject, self.ledger.load(str(subject.about)))
        return None

    def why_no_revert(self, stored: History, event: Reverting) -> str | None:
        """Return why the gate does not go back now by these approvals."""
        subject = stored.request.subject
        if subject.purpose is not Purpose.REVERT:
            return "The gate goes back by itself only from an emergency."
        if refusal := self._why_not_reverted(subject, self.ledger.load(str(subject.about))):
            return refusal
        is_so = event.approvals == approvals_before(subject, self.index)
        return None if is_so else "These are not the approvals that the version had."

    def why_not_over(self, emergency: History) -> str | None:
        """Return why the gate does not take the permit of an emergency back by itself now."""
        request = emergency.request
        if request.subject.purpose is not Purpose.BREAK_GLASS or not emergency.done:
            return "Nobody broke the glass by it."
        if self.clock() < expires(emergency):
            return "It can still be confirmed."
        stands = any(row.request_id == request.request_id for row in self.index.promoted())
        return None if stands else "Something else was promoted since."

    def _why_not_confirmed(self, request: PromotionRequest, emergency: History) -> str | None:
        mine, other = request.subject, emergency.request.subject
        is_same = all(getattr(mine, name) == getattr(other, name) for name in SAME)
        if not is_same or other.purpose is not Purpose.BREAK_GLASS or not emergency.done:
            return "It confirms something else than what was done in an emergency."
        # Who broke the glass is kept from confirming it as the one who asks.
        return None if request.requester == emergency.request.requester else "Another broke the glass."

    def _why_not_reverted(self, subject: Subject, emergency: History) -> str | None:
        other = emergency.request.subject
        before = (other.server, other.model, other.epoch, other.alias, other.incumbent)
        if (subject.server, subject.model, subject.epoch, subject.alias, subject.version) != before:
            return "It is not what the alias pointed at before the emergency."
        return self.why_not_over(emergency)
