"""Fakes of the ports by which the gate trusts what pipelines sign, and a pipeline that signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from handrail.approvals.adapters.ed25519_permits import key_id
from handrail.approvals.attestation_ports import Identities, Nonces
from handrail.approvals.domain.attesting import Identity, make_attestation, unusable_nonce
from handrail.approvals.domain.permit import Envelope, pre_authentication_encoding
from handrail.errors import Refused

PARITY = "https://example.com/parity/v1"


class Pipeline:
    """A pipeline with a key of its own, for which Ada answers."""

    def __init__(self, name: str = "nightly", owner: str = "Ada", seed: int = 1) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = self.key.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.identity = Identity(name, key_id(public), raw, owner, {"parity": PARITY}, ("flights*",))

    def sign(self, payload: bytes) -> str:
        """Return an envelope with a payload."""
        return Envelope(payload, {self.identity.key_id: self.key.sign(pre_authentication_encoding(payload))}).to_json()

    def attest(self, given: Mapping[str, Any], evidence: Mapping[str, Any], predicate_type: str = PARITY) -> str:
        """Return an envelope with a statement about what a nonce was given for."""
        return self.sign(make_attestation(predicate_type, given["nonce"], given, evidence))


class FakeIdentities(Identities):
    """`Identities` that a test sets."""

    def __init__(self) -> None:
        self.identities: dict[str, Identity] = {}

    def known(self) -> Mapping[str, Identity]:
        return self.identities


class MemoryNonces(Nonces):
    """`Nonces` in memory."""

    def __init__(self) -> None:
        self.given: dict[str, tuple[str, str, datetime]] = {}
        self.served: dict[str, str] = {}

    def issue(self, purpose: str, account: str, now: datetime, expires: datetime) -> str:
        mine = [
            nonce
            for nonce, (_, whose, until) in self.given.items()
            if whose == account and until > now and nonce not in self.served
        ]
        if len(mine) >= 100:
            raise Refused(f"A nonce for {account!r}", ("It has 100 that can still be used.",))
        nonce = f"nonce-{len(self.given)}"
        self.given[nonce] = purpose, account, expires
        return nonce

    def spend(self, nonce: str, purpose: str, request_id: str, now: datetime) -> None:
        wanted, _, expires = self.given.get(nonce, ("", "", now))
        if wanted != purpose:
            raise unusable_nonce(nonce, "the gate gave it to nobody for these files, this alias and this server")
        if nonce not in self.served and now >= expires:
            raise unusable_nonce(nonce, f"it expired at {expires.isoformat()}")
        if self.served.setdefault(nonce, request_id) != request_id:
            raise unusable_nonce(nonce, f"it serves the request {self.served[nonce]}")
