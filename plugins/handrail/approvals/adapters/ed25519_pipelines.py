"""Ed25519 keys of pipelines, as they are written in PEM or by ssh-keygen, and statements that they sign."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from handrail.approvals.adapters.ed25519_people import read_person_key
from handrail.approvals.adapters.ed25519_permits import key_id
from handrail.approvals.domain.permit import Envelope, pre_authentication_encoding
from handrail.errors import Misconfigured

OPENSSH = b"-----BEGIN OPENSSH"


def read_public_key(text: str) -> tuple[str, bytes]:
    """Return the id and the 32 bytes of a key that is written as PEM, or as one line `ssh-ed25519 ...`.

    Raises:
        ValueError: it is no Ed25519 public key.
    """
    raw = read_person_key(text).raw
    return key_id(Ed25519PublicKey.from_public_bytes(raw)), raw


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
