"""Ed25519 keys of pipelines, as they are written in PEM or by ssh-keygen, and what is signed with them."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from handrail.approvals.adapters.ed25519_permits import key_id
from handrail.approvals.attestation_ports import Signatures
from handrail.approvals.domain.permit import Envelope, pre_authentication_encoding
from handrail.errors import Misconfigured

OPENSSH = b"-----BEGIN OPENSSH"


class Ed25519Signatures(Signatures):
    """Keeps the promise of `Signatures` with the library `cryptography`."""

    def holds(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether the holder of the key signed exactly this."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_public_key(text: str) -> tuple[str, bytes]:
    """Return the id and the 32 bytes of a key that is written as PEM, or as one line `ssh-ed25519 ...`.

    Raises:
        ValueError: it is no Ed25519 key.
    """
    written = text.strip().encode("utf-8")
    read = load_ssh_public_key if written.startswith(b"ssh-") else load_pem_public_key
    try:
        key = read(written)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise ValueError("it cannot be read as a key") from err
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is a key of another kind")
    return key_id(key), key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign_with(private_key: Path, payload: bytes) -> Envelope:
    """Return the payload in an envelope, signed with a key that lies in a file as PEM or as ssh-keygen wrote it.

    Raises:
        Misconfigured: it cannot be read, has a passphrase, or is no Ed25519 key.
    """
    remedy = "Make one: openssl genpkey -algorithm ed25519 -out key.pem, or ssh-keygen -t ed25519 -N ''."
    try:
        held = private_key.read_bytes()
        load = load_ssh_private_key if held.startswith(OPENSSH) else load_pem_private_key
        key = load(held, None)
    except OSError as err:
        raise Misconfigured(str(private_key), f"it cannot be read: {err.strerror}", remedy) from err
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise Misconfigured(str(private_key), "it holds no key without a passphrase", remedy) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(str(private_key), "it holds a key of another kind than Ed25519", remedy)
    signature = key.sign(pre_authentication_encoding(payload))
    return Envelope(payload, {key_id(key.public_key()): signature})
