"""Answers other systems that are about to deploy: whether a use of a tree is allowed at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.permit import Envelope, Permit, why_unusable
from handrail.approvals.domain.texts import shown
from handrail.approvals.ports import Ledger
from handrail.approvals.service.records import Approvals
from handrail.clock import Clock
from handrail.errors import Refused, UnknownReference
from handrail.refs import Use


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A use of a tree is allowed now, by this permit."""

    permit: Permit

    def to_json(self) -> dict[str, Any]:
        """Return what the permit says, as JSON values."""
        permit = self.permit
        return {
            "confirmed": True,
            "request_id": permit.request_id,
            "version": permit.version,
            "tree_digest": permit.tree_digest,
            "approvers": list(permit.approvers),
            "expires": permit.terms.expires.isoformat() if permit.terms else None,
        } | permit.use.to_json()


@dataclass(frozen=True, slots=True)
class Confirmations:
    """Looks at permits as a verifier does, and beside that at the ledger."""

    ledger: Ledger
    records: Approvals
    clock: Clock

    def confirm(self, use: Use, tree_digest: str | None) -> Confirmed:
        """Return the newest permit for a use, of this tree if one is named, which counts now. Nothing is recorded.

        Raises:
            Refused: there is none, or it has expired or was taken back.
            LogMismatch: it is stored otherwise than it was logged.
        """
        action = f"Deploying {use}" + (f" with {tree_digest}" if tree_digest else "")
        try:
            permit = Permit.from_payload(Envelope.from_json(self.records.permit(use, tree_digest)).payload)
        except UnknownReference as err:
            raise Refused(action, ("Nobody allowed it: no permit is for this use of these files.",)) from err
        history = self.ledger.load(permit.request_id)
        if history.revoked:
            taken = history.revoked
            why = f"{taken.person} took the permit back at {taken.at.isoformat()}: {shown(taken.reason)!r}."
            raise Refused(action, (why,))
        if refusal := why_unusable(permit, use, self.clock()):
            raise Refused(action, (refusal,))
        return Confirmed(permit)
