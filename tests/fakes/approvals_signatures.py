"""Signatures of persons without cryptography: the digest of key and text, which whoever knows the key can make."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha512

from handrail.approvals.domain.signatures import DecisionText, PersonKey, PersonSignature, moment_text
from handrail.approvals.signature_ports import SignatureCheck


class FakeCheck(SignatureCheck):
    """`SignatureCheck` for keys of `FakeKey`."""

    def holds(self, key: PersonKey, text: bytes, signature: bytes) -> bool:
        return signature == sha512(key.raw + text).digest()


@dataclass(frozen=True)
class FakeKey:
    """A key of a person, by the person's name."""

    name: str

    @property
    def public(self) -> PersonKey:
        return PersonKey(self.name.encode().ljust(32, b"."))

    def sign(self, text: DecisionText) -> PersonSignature:
        value = sha512(self.public.raw + text.to_bytes()).digest()
        return PersonSignature(self.public.key_id, text.at, base64.b64encode(value).decode("ascii"))

    def says(  # noqa: PLR0913 - what is signed has this many parts
        self, about: str, seen: str | None, choice: str, account: str, at: datetime, /, **changes: str
    ) -> PersonSignature:
        """Sign a decision with the reason `looked at it` on the server `local-1`, or with these changes."""
        text = DecisionText("local-1", about, seen, choice, "looked at it", account, moment_text(at))
        return self.sign(replace(text, **changes))
