"""Keys of persons: Ed25519, in PEM or as OpenSSH writes them. The private half never leaves the person's machine."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from handrail.approvals.adapters.ssh_agent import sign_by_agent
from handrail.approvals.domain.signatures import DecisionText, PersonKey, PersonSignature
from handrail.approvals.signature_ports import SignatureCheck
from handrail.errors import InvalidInput

MOST_KEY_BYTES = 1 << 16
EXPECTED = "an Ed25519 public key: a line that begins with ssh-ed25519, or PEM"


class Ed25519Check(SignatureCheck):
    """Keeps the promise of `SignatureCheck`."""

    def holds(self, key: PersonKey, text: bytes, signature: bytes) -> bool:
        """Return whether the signature is that key's over exactly this text."""
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_person_key(text: str) -> PersonKey:
    """Return the public key that a text has, in PEM or as a line of OpenSSH.

    Raises:
        ValueError: it is another thing; the message never repeats it, since it could be a private key.
    """
    if "PRIVATE KEY" in text:
        raise ValueError(f"this is a private key, which belongs to its person alone; expected {EXPECTED}")
    content = text.strip().encode("utf-8")
    load = load_pem_public_key if content.startswith(b"-----BEGIN") else load_ssh_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"expected {EXPECTED}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"this is a key of another kind; expected {EXPECTED}")
    return PersonKey(key.public_bytes_raw())


class SigningKey:
    """The private key of a person, on their machine: signs decisions."""

    def __init__(self, public: PersonKey, sign: Callable[[bytes], bytes]) -> None:
        """Sign with `sign`, which returns the 64 bytes of a signature by the key with this public half."""
        self.public = public
        self._sign = sign

    @classmethod
    def from_file(cls, path: Path, passphrase: Callable[[], str] | None = None) -> SigningKey:
        """Read a private key in PEM or in OpenSSH's own format, or the public line of one that ssh-agent holds.

        `passphrase` is called only if the key is encrypted.

        Raises:
            InvalidInput: the file cannot be read, is no Ed25519 private key, or the passphrase is missing or wrong.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MOST_KEY_BYTES)
        except OSError as err:
            raise _unusable(path, f"it cannot be read: {err.strerror}") from err
        if content.startswith(b"ssh-"):
            return cls._of_agent(path, content)
        load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in content else load_pem_private_key
        try:
            try:
                key = load(content, None)
            except (TypeError, ValueError) as err:
                _pass_on_unless_encrypted(err)
                if passphrase is None:
                    raise _unusable(path, "it is encrypted, and no passphrase was given") from None
                key = load(content, passphrase().encode("utf-8"))
        except UnsupportedAlgorithm:
            raise _unusable(
                path, "it is of an unknown kind, or encrypted by OpenSSH, which needs the package bcrypt"
            ) from None
        except (ValueError, TypeError):
            raise _unusable(path, "it is no private key, or the passphrase is another one") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable(path, "it is a key of another kind")
        return cls(PersonKey(key.public_key().public_bytes_raw()), key.sign)

    @classmethod
    def _of_agent(cls, path: Path, content: bytes) -> SigningKey:
        try:
            public = read_person_key(content.decode("utf-8", "replace"))
        except ValueError as err:
            raise _unusable(path, str(err)) from err
        return cls(public, partial(sign_by_agent, public))

    def sign(self, text: DecisionText) -> PersonSignature:
        """Return the signature over what is decided.

        Raises:
            Unavailable: the key is one of ssh-agent, which does not sign.
        """
        value = base64.b64encode(self._sign(text.to_bytes())).decode("ascii")
        return PersonSignature(self.public.key_id, text.at, value)


def _pass_on_unless_encrypted(err: TypeError | ValueError) -> None:
    """Raise the error unless it says that a key is encrypted: older libraries say it by a ValueError."""
    if isinstance(err, ValueError) and "password-protected" not in str(err):
        raise err


def _unusable(path: Path, problem: str) -> InvalidInput:
    return InvalidInput("--sign", f"{path}: {problem}", "Name your Ed25519 private key, in PEM or OpenSSH's format.")
