"""Gives nonces for requests that are still to be opened: the version's files are copied first, so they are settled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handrail.approvals.domain.attesting import Target
from handrail.approvals.service.asking import GatePorts, Opening
from handrail.approvals.service.eligibility import policy_for_request
from handrail.approvals.service.incumbents import incumbent_manifest


@dataclass(frozen=True, slots=True)
class GivenNonce:
    """A nonce, what a statement with it has to be about, and until when it can be used."""

    nonce: str
    purpose: Target
    expires: datetime

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values: what `handrail approvals attest` reads."""
        return {"nonce": self.nonce, **asdict(self.purpose), "expires": self.expires.isoformat()}


@dataclass(frozen=True, slots=True)
class NonceDesk:
    """Gives nonces on one server."""

    server: str
    ports: GatePorts

    def give(self, model: str, version: str, alias: str, account: str) -> GivenNonce:
        """Return a nonce for one request to move an alias to a version.

        Raises:
            StillReading: the files are being copied; the same call gets the nonce later.
            UnknownReference: there is no such model, version or policy.
            Refused: the account may not ask, has too many nonces, or the version's files cannot be used.
        """
        candidate = self.ports.registry.candidate(model, version)
        opening = Opening(model, version, alias, "", {})
        policy = policy_for_request(self.ports.rules, opening, account, prompt=candidate.is_prompt)
        manifest = self.ports.reader.copy(candidate, account)
        incumbent = incumbent_manifest(self.ports, self.server, candidate, policy.alias, account)
        purpose = Target.about(self.server, candidate, policy.alias, manifest, incumbent)
        nonce, expires = self.ports.attestations.issue(purpose, account)
        return GivenNonce(nonce, purpose, expires)
