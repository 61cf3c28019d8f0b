"""Takes evidence that pipelines have signed: for one request, by a pipeline that somebody answers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.approvals.attestation_ports import Identities, Nonces
from handrail.approvals.domain.attesting import Attested, Identity, Target, read_attestation, why_signers_changed
from handrail.approvals.domain.permit import Envelope, pre_authentication_encoding
from handrail.approvals.domain.signatures import PersonKey
from handrail.approvals.domain.subject import Attestation, PromotionRequest
from handrail.approvals.ports import RuleBook
from handrail.approvals.signature_ports import SignatureCheck
from handrail.clock import Clock
from handrail.errors import Refused

NONCE_LIFETIME = timedelta(days=1)
REMEDY = "Get a nonce for these files, and have the pipeline sign with it: 'handrail approvals nonce' and 'attest'."


@dataclass(frozen=True, slots=True)
class SignedEvidence:
    """What a statement says, by whom and in which envelope, and the accounts of who answers for it."""

    content: Mapping[str, Any]
    attestation: Attestation
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attestations:
    """Reads statements, by the pipelines and roles as they stand; `clock` gives system time."""

    identities: Identities
    signatures: SignatureCheck
    nonces: Nonces
    rules: RuleBook
    clock: Clock

    def read(self, name: str, envelope: str, purpose: Target) -> SignedEvidence:
        """Return what a pipeline has signed as the evidence of this name for a purpose. Its nonce is not used yet.

        Raises:
            Refused: a pipeline that may sign this did not sign it, or it is about something else.
            Misconfigured: pipelines or roles cannot be used.
        """
        try:
            identity, attested, canonical = self._signed(envelope)
            why = identity.why_not(name, attested.predicate_type, purpose.model)
            why = why or attested.why_not_about(name, purpose)
        except ValueError as err:
            why = str(err)
        if why:
            raise Refused(f"The evidence {name!r}", (f"Its statement does not count: {why}. {REMEDY}",))
        accounts = self.rules.directory().accounts_of(identity.owner)
        if not accounts:
            reason = f"Nobody named {identity.owner!r} in config/roles.yaml answers for {identity.name!r}."
            raise Refused(f"The evidence {name!r}", (reason,))
        said = Attestation(identity.name, identity.owner, identity.key_id, attested.nonce, canonical)
        return SignedEvidence(attested.content, said, accounts)

    def _signed(self, envelope: str) -> tuple[Identity, Attested, str]:
        """Return who signed what, and the envelope in its canonical form.

        Raises:
            ValueError: it is no envelope with the one signature of a pipeline that is known.
        """
        read = Envelope.from_json(envelope)
        if len(read.signatures) != 1:
            raise ValueError(f"it has {len(read.signatures)} signatures, and one pipeline has to answer for it")
        ((key_id, signature),) = read.signatures.items()
        identity = self.identities.known().get(key_id)
        if identity is None:
            raise ValueError(f"no pipeline of config/identities.yaml has the key {key_id!r:.80}")
        message = pre_authentication_encoding(read.payload, read.payload_type)
        if not self.signatures.holds(PersonKey(identity.public_key), message, signature):
            raise ValueError(f"the signature is not that of {identity.name!r}")
        return identity, read_attestation(read.payload), read.to_json()

    def issue(self, purpose: Target, account: str) -> tuple[str, datetime]:
        """Return a nonce for a purpose, and until when it can be used.

        Raises:
            Refused: the account has too many that can still be used.
        """
        now = self.clock()
        return self.nonces.issue(purpose.digest, account, now, now + NONCE_LIFETIME), now + NONCE_LIFETIME

    def spend(self, request: PromotionRequest) -> None:
        """Use the nonces of a request's statements for it, before it is stored. Safe to repeat.

        Raises:
            Refused: one was not given for this, has expired, or serves another request.
        """
        purpose = Target.of(request).digest
        for name in sorted(request.attested):
            self.nonces.spend(request.attested[name].nonce, purpose, request.request_id, self.clock())

    def changes(self, request: PromotionRequest) -> tuple[str, ...]:
        """Return one sentence for each statement whose pipeline is not in force as it was.

        Raises:
            Misconfigured: the pipelines cannot be used.
        """
        return why_signers_changed(request.attested, self.identities.known()) if request.attested else ()

    def why_unproven(self, request: PromotionRequest) -> str | None:
        """Return why what a request holds as signed was not signed for it; None if all was, whose nonces are used then.

        Raises:
            Misconfigured: pipelines or roles cannot be used.
        """
        if not set(request.attested) <= set(request.evidence) - set(request.bound):
            return "It names statements of evidence that it does not hold."
        try:
            for name, said in request.attested.items():
                read = self.read(name, said.envelope, Target.of(request))
                if (read.attestation, read.content) != (said, request.evidence[name]):
                    return f"The evidence {name!r} is not what its statement says."
                if not set(read.accounts) <= set(request.authors):
                    return f"It leaves out who answers for the pipeline {said.identity!r}."
            self.spend(request)
        except Refused as err:
            return str(err)
        return None


@dataclass(frozen=True, slots=True)
class ProvenNonces(Nonces):
    """Keeps the promise of `Nonces` in front of another, for callers whose clock is not trusted."""

    nonces: Nonces
    clock: Clock

    def issue(self, purpose: str, account: str, now: datetime, expires: datetime) -> str:  # noqa: ARG002 - the own clock
        """Return a new nonce for a purpose, for as long as nonces are valid here."""
        at = self.clock()
        return self.nonces.issue(purpose, account, at, at + NONCE_LIFETIME)

    def spend(self, nonce: str, purpose: str, request_id: str, now: datetime) -> None:  # noqa: ARG002 - the own clock
        """Use the nonce for a request, at this moment."""
        self.nonces.spend(nonce, purpose, request_id, self.clock())
