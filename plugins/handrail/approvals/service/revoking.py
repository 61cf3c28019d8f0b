"""Taking a permit back: the ledger keeps who and why, and the signed list says it to every verifier."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import History, Revoked
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.revocations import PAYLOAD_TYPE, RevocationList
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.ports import Ledger, PermitShelf, RequestIndex, RuleBook, Signer
from handrail.clock import Clock
from handrail.errors import Refused


@dataclass(frozen=True, slots=True)
class Revoker:
    """Takes permits back for the roles that the policy names."""

    server: str
    ledger: Ledger
    index: RequestIndex
    rules: RuleBook
    signer: Signer
    shelf: PermitShelf
    clock: Clock

    def revoke(self, request_id: str, account: str, reason: str) -> History:
        """Take the permit of a promoted request back. One person is enough, also an author. Safe to repeat.

        The alias stays where it is; ask for the promotion of another version, or of the same one again.

        Raises:
            UnknownReference: there is no such request.
            Refused: it has no permit.
            NotEligible: this account has none of the roles that take permits back.
            Unavailable: the list cannot be written; it is written again at the next start.
        """
        reason = plain_text("reason", reason)
        history = self.ledger.load(request_id)
        person = revoker_behind(account, history, self.rules)
        if not history.done:
            raise Refused(f"Revoking {request_id!r}", ("It has no permit: nothing was promoted by it.",))
        if not history.revoked:
            history = self.ledger.append(history, Revoked(self.clock(), account, person.name, reason))
        self.publish()
        return history

    def publish(self) -> None:
        """Sign the list of everything that was taken back, and put it where verifiers find it."""
        self.shelf.put_revoked(self.envelope())

    def envelope(self) -> str:
        """Return the signed list as it is now."""
        listed = RevocationList.of(self.server, self.index.find(), self.clock())
        return self.signer.sign(listed.payload, PAYLOAD_TYPE).to_json()


def revoker_behind(account: str, history: History, rules: RuleBook) -> Person:
    """Return the person with this account, who may take the permit of the request back.

    Raises:
        NotEligible: this account has none of the roles that take permits back.
    """
    subject = history.request.subject
    policy = rules.policy(subject.model, subject.alias, prompt=subject.prompt)
    roles = policy.may(Action.REVOKE)
    person = rules.directory().person_behind(account)
    if person is None or not person.roles & roles:
        needed = ", ".join(sorted(roles))
        refusal = f"{account!r} holds none of the roles that revoke here: {needed}."
        raise NotEligible(account, history.request.request_id, refusal)
    return person
