"""A world whose gate has a keeper: what it would store and sign for a caller that is not trusted."""

from __future__ import annotations

from handrail.approvals.domain.events import Choice, Decided, MoveIntended
from handrail.approvals.service.drafting import draft_permit
from handrail.approvals.service.proven_findings import ProvenFindings
from handrail.approvals.service.proven_signing import ProvenShelf, ProvenSigner
from handrail.approvals.service.proving import ProvenLedger
from handrail.manifest import canonical_json
from tests.fakes.approvals import MemoryLedger
from tests.fakes.approvals_signatures import FakeCheck
from tests.fakes.approvals_world import World


class KeptWorld(World):
    """A world whose gate has a keeper; `kept` is the ledger that the keeper believes."""

    def __init__(self):
        self.kept = MemoryLedger()
        super().__init__(ledger=self.kept)
        self.gate_ledger = ProvenLedger(
            server="local-1",
            environment="local",
            ledger=self.kept,
            index=self.kept,
            provenance=self.provenance,
            findings=self.findings,
            rules=self.rules,
            signer=self.signer,
            clock=self.clock,
            signatures=FakeCheck(),
            why_not_measured=lambda _history, event: None if event.problem else "Nothing was measured here.",
            attestations=self.attestations,
        )
        self.gate_findings = ProvenFindings(self.findings, self.kept, self.rules, self.clock)
        self.gate_signer = ProvenSigner("local-1", self.gate_ledger, self.kept, self.signer, self.clock)
        self.gate_shelf = ProvenShelf(self.gate_ledger, self.gate_signer, self.shelf)

    def asked(self):
        return self.kept.load(self.ask())

    def approved(self):
        history = self.asked()
        for account, person in (("ben", "Ben"), ("cleo", "Cleo")):
            history = self.gate_ledger.append(history, self.yes(account, person))
        return history

    def yes(self, account="ben", person="Ben", choice=Choice.APPROVE):
        return Decided(self.clock(), account, person, choice, "looked at it")

    def intent(self, history, **predicate):
        draft = draft_permit(history, self.clock.now, self.kept, self.rules, "local")
        statement = dict(draft.statement) | {"predicate": draft.statement["predicate"] | predicate}
        return MoveIntended(self.clock.now, statement)

    def signed(self, intent):
        return self.signer.sign(canonical_json(intent.statement)).to_json()
