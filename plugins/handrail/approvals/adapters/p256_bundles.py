"""Signing OMS bundles with a P-256 key of the gate: what `model_signing verify key` reads. Permits have another key."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from handrail.approvals.domain.companions import make_oms_statement
from handrail.approvals.domain.permit import PAYLOAD_TYPE, Permit, pre_authentication_encoding
from handrail.errors import Misconfigured
from handrail.files import create_file, replace_file
from handrail.manifest import canonical_json

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class P256Bundles:
    """Makes OMS bundles with a key in a file that only its owner reads."""

    def __init__(self, private_key: Path, public_key: Path) -> None:
        """Make the key at its first use, and put its public half where verifiers find it.

        Raises:
            Misconfigured: the file holds no P-256 key.
            Unavailable: the key cannot be written.
        """
        fresh = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        held = private_key.read_bytes() if private_key.exists() else create_file(private_key, fresh)
        try:
            key = load_pem_private_key(held, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as err:
            raise _bad_key(private_key) from err
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise _bad_key(private_key)
        self._key = key
        self._public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if not public_key.exists() or public_key.read_bytes() != self._public:
            replace_file(public_key, self._public)

    def bundle(self, permit: Permit) -> bytes:
        """Return the bundle for a permit's files. The signature is another one each time, and each is valid."""
        payload = canonical_json(make_oms_statement(permit))
        signature = self._key.sign(pre_authentication_encoding(payload), ec.ECDSA(SHA256()))
        return canonical_json(
            {
                "mediaType": MEDIA_TYPE,
                "verificationMaterial": {
                    "publicKey": {"hint": hashlib.sha256(self._public).hexdigest()},
                    "tlogEntries": [],
                },
                "dsseEnvelope": {
                    "payload": base64.b64encode(payload).decode("ascii"),
                    "payloadType": PAYLOAD_TYPE,
                    "signatures": [{"sig": base64.b64encode(signature).decode("ascii"), "keyid": ""}],
                },
            }
        )


def _bad_key(file: Path) -> Misconfigured:
    return Misconfigured(
        str(file), "it holds no P-256 key", "Restore the file, or remove it: a new key is made, for new bundles."
    )
