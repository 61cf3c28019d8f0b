"""Whether a decision is signed by the person whose account it is, where the policy asks for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.errors import NotSigned
from handrail.approvals.domain.events import Decided, History
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.possible import CLOCKS_APART
from handrail.approvals.domain.rule_changes import ChangeHistory
from handrail.approvals.domain.short_requests import emergency_name
from handrail.approvals.domain.signatures import (
    SIGNED_WITHIN,
    DecisionText,
    PersonKey,
    PersonSignature,
)
from handrail.approvals.domain.subject import PromotionRequest, Purpose
from handrail.approvals.service.asking import GatePorts
from handrail.approvals.signature_ports import SignatureCheck


@dataclass(frozen=True, slots=True)
class Matter:
    """What is decided about: its name in what is signed, whether that has to be, and what was decided before."""

    name: str
    wanted: bool
    earlier: tuple[Decided, ...]


def matter_of(history: History, policy: Policy) -> Matter:
    """Return a request as a matter of decisions under its policy."""
    earlier = tuple(event for event in history.events if isinstance(event, Decided))
    return Matter(name_of(history.request), policy.signed, earlier)


def change_as_matter(history: ChangeHistory, wanted: bool) -> Matter:
    """Return a change of rules as a matter of decisions."""
    return Matter(history.change.change_id, wanted, history.decided)


def name_of(request: PromotionRequest) -> str:
    """Return what is signed about: the request's id; for an emergency, which has none before, what moves where."""
    subject = request.subject
    if subject.purpose is Purpose.BREAK_GLASS:
        return emergency_name(subject.model, subject.version, subject.alias)
    return request.request_id


@dataclass(frozen=True, slots=True)
class Signatures:
    """Verifies decisions that were made for the server with this name."""

    server: str
    check: SignatureCheck

    def require(self, decision: Decided, matter: Matter, directory: Directory, now: datetime) -> None:
        """Let a decision pass that is signed by its person, or unsigned where nobody asks for a signature.

        Raises:
            NotSigned: with the reason, and nothing is to be recorded.
        """
        if refusal := next(self._refusals(decision, matter, directory, now), None):
            raise NotSigned(decision.account, matter.name, refusal)

    def _refusals(self, decision: Decided, matter: Matter, directory: Directory, now: datetime) -> Iterator[str]:
        signature = decision.signature
        if signature is None:
            if matter.wanted:
                yield "The policy wants each decision signed by its person. Repeat it with '--sign' and your key."
            return
        yield from _why_not_now(signature, matter, decision.person, now)
        key = _key(directory, decision)
        if key is None:
            yield (
                f"The key {signature.key_id} is none of those that {decision.person} has in the roles in force. Sign "
                "with one of them, or have this one added to config/roles.yaml."
            )
        elif not self.holds(decision, matter.name, key):
            yield (
                "The signature is not that of this decision: request, facts, choice, reason, account, server or moment "
                "are others. Look at the request again, and sign what is sent."
            )

    def holds(self, decision: Decided, about: str, key: PersonKey) -> bool:
        """Return whether the decision has a signature by the key, over what it says about a matter of this name."""
        signature = decision.signature
        if signature is None or signature.raw is None or signature.key_id != key.key_id:
            return False
        text = DecisionText(
            self.server,
            about,
            decision.seen,
            str(decision.choice),
            decision.reason,
            decision.account,
            signature.at,
        )
        return self.check.holds(key, text.to_bytes(), signature.raw)


def require_signed(decision: Decided, history: History, ports: GatePorts) -> None:
    """Let a decision about a request pass in the gate if it is signed as its policy asks.

    Raises:
        NotSigned: with the reason.
    """
    subject = history.request.subject
    policy, directory = ports.rules.policy(subject.model, subject.alias, prompt=subject.prompt), ports.rules.directory()
    Signatures(subject.server, ports.signatures).require(decision, matter_of(history, policy), directory, decision.at)


def _key(directory: Directory, decision: Decided) -> PersonKey | None:
    person = directory.person_behind(decision.account)
    if person is None or person.name != decision.person or decision.signature is None:
        return None
    return person.key(decision.signature.key_id)


def _why_not_now(signature: PersonSignature, matter: Matter, person: str, now: datetime) -> Iterator[str]:
    """Yield why a signature cannot be used now: each is for one decision, at the time at which it was made."""
    made = signature.moment
    if made is None or signature.raw is None:
        yield "The signature is not written as one is: 64 bytes in base64, and a moment in UTC."
        return
    if not now - SIGNED_WITHIN <= made <= now + CLOCKS_APART:
        yield f"It was signed at {signature.at}, and the clock here says {now.isoformat()}. Sign it again."
    before = (each.signature for each in matter.earlier if each.person == person and each.signature)
    if any(old.moment is None or old.moment >= made for old in before):
        yield "It was signed before what this person said last, so it may be a copy. Sign it again."
