"""A signer and a shelf for callers that are not trusted: they sign and publish what the ledger itself proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.permit import PAYLOAD_TYPE, Envelope, Permit
from handrail.approvals.domain.possible import CLOCKS_APART
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import RevocationList
from handrail.approvals.ports import Ledger, PermitShelf, RequestIndex, Signer
from handrail.approvals.service.proving import REMEDY
from handrail.clock import Clock
from handrail.errors import Refused, UnknownReference
from handrail.manifest import canonical_json


@dataclass(frozen=True, slots=True)
class ProvenSigner(Signer):
    """Keeps the promise of `Signer` for two payloads that the ledger proves.

    They are the permit of a move that is under way, and the list of permits that were taken back.
    """

    server: str
    ledger: Ledger
    index: RequestIndex
    signer: Signer
    clock: Clock

    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Return the payload in an envelope of that type.

        Raises:
            Refused: the ledger does not prove it.
        """
        proves = {PAYLOAD_TYPE: self._is_intended, REVOCATIONS: self._is_current}
        ask = proves.get(payload_type)
        try:
            is_proven = ask is not None and ask(payload)
        except (ValueError, UnknownReference):
            is_proven = False
        if not is_proven:
            raise Refused(f"Signing a payload of type {payload_type!r}", ("The ledger does not prove it.", REMEDY))
        return self.signer.sign(payload, payload_type)

    def _is_intended(self, payload: bytes) -> bool:
        history = self.ledger.load(Permit.from_payload(payload).request_id)
        return history.open_move is not None and canonical_json(history.open_move.statement) == payload

    def _is_current(self, payload: bytes) -> bool:
        listed = RevocationList.from_payload(payload)
        now = self.clock()
        current = RevocationList.of(self.server, self.index.find(), now)
        fresh = RevocationList(self.server, listed.issued, current.revoked)
        return fresh.payload == payload and abs(now - datetime.fromisoformat(listed.issued)) <= CLOCKS_APART


@dataclass(frozen=True, slots=True)
class ProvenShelf(PermitShelf):
    """Keeps the promise of `PermitShelf` for permits that the ledger holds, and for the list as it is now."""

    ledger: Ledger
    signer: ProvenSigner
    shelf: PermitShelf

    def put(self, permit: Permit, envelope: str) -> None:
        """Put the permit there.

        Raises:
            Refused: the ledger holds no such permit.
        """
        done = self.ledger.load(permit.request_id).done
        if done is None or done.envelope != envelope:
            raise Refused(f"Publishing a permit of {permit.request_id!r}", ("The ledger holds no such permit.", REMEDY))
        self.shelf.put(Permit.from_payload(Envelope.from_json(envelope).payload), envelope)

    def put_revoked(self, envelope: str) -> None:
        """Put the list there.

        Raises:
            Refused: it is not the list as the ledger has it.
        """
        try:
            payload = Envelope.from_json(envelope, REVOCATIONS).payload
            is_signed = self.signer.sign(payload, REVOCATIONS).to_json() == envelope
        except ValueError:
            is_signed = False
        if not is_signed:
            raise Refused("Publishing a list of permits that were taken back", ("It is not signed by the gate.",))
        self.shelf.put_revoked(envelope)
