"""Signatures of persons under their decisions: what is signed, and by which key of whom."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from handrail.manifest import canonical_json

FIRST_LINE = b"handrail decision v1\n"
"""Begins each text that is signed, so that nothing that a person signs elsewhere can be taken for a decision."""
SIGNED_WITHIN = timedelta(minutes=15)
"""How old a signature may be when its decision is recorded."""
KEY_BYTES, SIGNATURE_BYTES = 32, 64
_SSH_KIND = b"ssh-ed25519"


@dataclass(frozen=True, slots=True)
class PersonKey:
    """The public half of a person's Ed25519 key: 32 bytes."""

    raw: bytes

    @property
    def ssh_blob(self) -> bytes:
        """The key as SSH writes it (RFC 8709)."""
        return b"".join(len(part).to_bytes(4, "big") + part for part in (_SSH_KIND, self.raw))

    @property
    def key_id(self) -> str:
        """The fingerprint that `ssh-keygen -l` prints: `SHA256:` and the digest of the key as SSH writes it."""
        return "SHA256:" + base64.b64encode(sha256(self.ssh_blob).digest()).decode("ascii").rstrip("=")


@dataclass(frozen=True, slots=True)
class PersonSignature:
    """A signature: by the key with this id, made at an ISO 8601 moment in UTC, 64 bytes in base64."""

    key_id: str
    at: str
    value: str

    @property
    def moment(self) -> datetime | None:
        """When it was made; None if that is not written as `moment_text` writes it."""
        try:
            read = datetime.fromisoformat(self.at)
        except ValueError:
            return None
        return read if read.tzinfo and moment_text(read) == self.at else None

    @property
    def raw(self) -> bytes | None:
        """The 64 bytes; None if it has others, or they are written in another way than one."""
        try:
            found = base64.b64decode(self.value, validate=True)
        except (binascii.Error, ValueError):
            return None
        is_canonical = len(found) == SIGNATURE_BYTES and base64.b64encode(found).decode("ascii") == self.value
        return found if is_canonical else None

    def to_json(self) -> dict[str, str]:
        """Return all fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DecisionText:
    """What a person signs: the server, what is decided about, the facts that were shown, and what is said of it.

    `about` is the id of a request or of a change of rules, `seen` the digest of the facts, `choice` and `reason` what
    the account says, `at` the ISO 8601 moment in UTC at which it is signed.
    """

    server: str
    about: str
    seen: str | None
    choice: str
    reason: str
    account: str
    at: str

    def to_bytes(self) -> bytes:
        """Return the bytes that are signed: a line that names the format, then all fields as canonical JSON."""
        return FIRST_LINE + canonical_json(asdict(self))


def moment_text(moment: datetime) -> str:
    """Return a moment as it stands in what is signed: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()


def key_with(key_id: str, keys: Iterable[PersonKey]) -> PersonKey | None:
    """Return the key that has this id."""
    return next((key for key in keys if key.key_id == key_id), None)


def signed_by(signature: PersonSignature | None) -> dict[str, Any]:
    """Return the id of the key as a row of JSON values, nothing if there is no signature."""
    return {} if signature is None else {"key": signature.key_id}


def signature_from(values: Any) -> PersonSignature | None:
    """Read what `PersonSignature.to_json` wrote; None stays None."""
    return None if values is None else PersonSignature(**values)
