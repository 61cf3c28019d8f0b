"""The log's own key, and the verification of signatures in notes. Not the key of the permits: each has one purpose."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from handrail.approvals.domain.notes import ED25519, SIGNATURE_BYTES, TIME_BYTES, Note, VerifierKey, cosigned_text
from handrail.approvals.ports import HeadSigner
from handrail.errors import Misconfigured
from handrail.files import create_file, replace_file


class Ed25519Heads(HeadSigner):
    """Keeps the promise of `HeadSigner`; without the private half it verifies only."""

    def __init__(self, key: VerifierKey, private: Ed25519PrivateKey | None = None) -> None:
        """Sign under this name with the private half of the key."""
        self._verifier_key = key
        self._private = private
        self._public = Ed25519PublicKey.from_public_bytes(key.public)

    @property
    def key(self) -> VerifierKey:
        """The key that verifies, with the name of the log."""
        return self._verifier_key

    def sign(self, text: str) -> bytes:
        """Sign a checkpoint's text.

        Raises:
            Misconfigured: this process has the public half alone.
        """
        if self._private is None:
            raise Misconfigured(self.key.name, "its key is not here", "The gate's MLflow server alone signs the log.")
        return self._private.sign(text.encode("utf-8"))

    def holds(self, text: str, signature: bytes) -> bool:
        """Return whether the signature is this key's over the text."""
        return is_signature(self._public, text.encode("utf-8"), signature)


def open_heads(private: Path, public: Path, name: str, kind: int = ED25519) -> Ed25519Heads:
    """Open a key in a file that only its owner reads, made at its first use, with its public half in another file.

    Raises:
        Misconfigured: the key was lost, replaced or renamed since its public half was written, or is no key.
        Unavailable: the key cannot be written.
    """
    written = public.read_text(encoding="utf-8").strip() if public.exists() else None
    if written and not private.exists():
        raise Misconfigured(
            str(private), f"the key of {public} is gone", "Restore it from a backup; a new key would begin a new log."
        )
    fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    held = private.read_bytes() if private.exists() else create_file(private, fresh)
    try:
        key = load_pem_private_key(held, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise _no_key(private) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(private)
    verifier = VerifierKey(name, kind, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    if written is None:
        replace_file(public, f"{verifier.text}\n".encode())
    elif written != verifier.text:
        raise Misconfigured(
            str(private),
            f"it is not the key of {public}, which is {written!r:.120}",
            "Restore the key, or the file beside it.",
        )
    return Ed25519Heads(verifier, key)


def read_key(file: Path) -> VerifierKey:
    """Read a verifier key from a file of one line.

    Raises:
        Misconfigured: it is missing, or no key.
    """
    try:
        return VerifierKey.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise Misconfigured(
            str(file), f"it holds no verifier key: {err}", "Copy log/log.vkey of the gate's HANDRAIL_HOME."
        ) from err


def is_signed(note: Note, key: VerifierKey) -> bool:
    """Return whether the note carries a valid signature by this key of a log."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    mine = [each for each in note.signatures if each.is_by(key)]
    return bool(mine) and all(is_signature(public, note.text.encode("utf-8"), each.content) for each in mine)


def is_cosigned(note: Note, key: VerifierKey) -> bool:
    """Return whether the note carries a valid cosignature by this key of a witness."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    mine = [each.content for each in note.signatures if each.is_by(key)]
    return bool(mine) and all(
        is_signature(
            public,
            cosigned_text(note.text, int.from_bytes(content[:TIME_BYTES], "big")),
            content[TIME_BYTES:],
        )
        for content in mine
    )


def is_signature(public: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    """Return whether the signature is this key's over the message."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _no_key(file: Path) -> Misconfigured:
    return Misconfigured(str(file), "it holds no Ed25519 key", "Restore the file from a backup.")
