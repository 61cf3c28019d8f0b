"""Signing permits with the gate's Ed25519 key, and verifying them offline before any byte is loaded."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from handrail.approvals.adapters.folder_shelf import revoked_file
from handrail.approvals.adapters.folder_trees import FolderTrees, copy_verified
from handrail.approvals.adapters.mlflow_download import additions
from handrail.approvals.adapters.seen_counters import SeenCounters
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.approvals.domain.formats import refused_formats
from handrail.approvals.domain.permit import PAYLOAD_TYPE, Envelope, Permit, pre_authentication_encoding, why_unusable
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import RevocationList
from handrail.approvals.domain.texts import shown
from handrail.approvals.ports import Signer
from handrail.clock import Clock, system_time
from handrail.errors import Misconfigured, Refused
from handrail.files import create_file, replace_file
from handrail.refs import Use


class Ed25519Signer(Signer):
    """Keeps the promise of `Signer` with a key in a file that only its owner reads."""

    def __init__(self, private_key: Path, public_key: Path) -> None:
        """Make the key at its first use, and put its public half where verifiers find it.

        Raises:
            Misconfigured: the file holds no Ed25519 key.
            Unavailable: the key cannot be written.
        """
        fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        held = private_key.read_bytes() if private_key.exists() else create_file(private_key, fresh)
        try:
            key = load_pem_private_key(held, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as err:
            raise _bad_key(private_key) from err
        if not isinstance(key, Ed25519PrivateKey):
            raise _bad_key(private_key)
        self._key = key
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if not public_key.exists() or public_key.read_bytes() != public:
            replace_file(public_key, public)

    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Return the payload in an envelope with one signature."""
        signature = self._key.sign(pre_authentication_encoding(payload, payload_type))
        return Envelope(payload, {key_id(self._key.public_key()): signature}, payload_type)


class PermitVerifier:
    """Checks trees of files against permits, with the gate's public key and nothing else."""

    def __init__(
        self,
        public_key: Path,
        *,
        pinned: str | None = None,
        seen: Path | None = None,
        revoked: Path | None = None,
        clock: Clock = system_time,
    ) -> None:
        """Trust permits by this key; the file is read at each verification, so it may come later.

        `pinned` is the id that the key must have, so that nobody can put another in its place. With `seen`, a file
        that is made when needed, an older permit than one that was used before is refused. `revoked` is the list of
        permits that were taken back, revoked.dsse beside the key if None.
        """
        self._public_key = public_key
        self._pinned = pinned
        self._revoked = revoked
        self._seen = SeenCounters(seen) if seen else None
        self._clock = clock

    @property
    def key_id(self) -> str:
        """The id of the key that is trusted.

        Raises:
            Misconfigured: the gate's public key is missing, no key, or not the pinned one.
        """
        return key_id(self._trusted())

    def read(self, permit: Path | bytes) -> Permit:
        """Verify a permit's signature and return what it states.

        Args:
            permit: a file, or the envelope's bytes.

        Raises:
            UnverifiedBytes: it is damaged or not signed by the gate.
            Misconfigured: the gate's public key is missing or no key.
        """
        name = str(permit) if isinstance(permit, Path) else "permit"
        try:
            return Permit.from_payload(self._payload(permit, PAYLOAD_TYPE))
        except OSError as err:
            raise UnverifiedBytes(name, f"There is no permit to read: {err.strerror}.") from err
        except InvalidSignature as err:
            raise UnverifiedBytes(name, "The permit is not signed by this project's gate.") from err
        except ValueError as err:
            raise UnverifiedBytes(name, f"The permit cannot be used: {err}.") from err

    def revocations(self) -> RevocationList:
        """Verify and read the list of permits that were taken back, which lies beside the gate's public key.

        Raises:
            Misconfigured: it is missing, damaged, or not signed by the gate: without it nobody knows.
        """
        file = self._revoked or revoked_file(self._public_key.parent)
        remedy = (
            "Copy it again from permits/ below the HANDRAIL_HOME of the gate's MLflow server, which writes it when it "
            "starts, to where gate.pub is; or fetch it: GET /handrail/api/v1/revocations."
        )
        try:
            return RevocationList.from_payload(self._payload(file, REVOCATIONS))
        except OSError as err:
            problem = f"the list of permits that were taken back cannot be read: {(err.strerror or str(err)).lower()}"
            raise Misconfigured(str(file), problem, remedy) from err
        except InvalidSignature as err:
            raise Misconfigured(str(file), "it is not signed by this project's gate", remedy) from err
        except ValueError as err:
            raise Misconfigured(str(file), str(err), remedy) from err

    def _payload(self, source: Path | bytes, payload_type: str) -> bytes:
        """Return what an envelope holds, if the trusted key has signed it.

        Raises:
            OSError, ValueError, InvalidSignature: what is wrong with the envelope.
        """
        key = self._trusted()
        envelope = Envelope.from_json(source.read_bytes() if isinstance(source, Path) else source, payload_type)
        signed = pre_authentication_encoding(envelope.payload, payload_type)
        key.verify(envelope.signatures.get(key_id(key), b""), signed)
        return envelope.payload

    def verify(self, tree: Path, permit: Path | bytes, into: Path, expect: Use) -> Permit:
        """Copy the tree into a private folder while hashing, and return the permit for these bytes and that use.

        Load from `into` and from nowhere else. The file that MLflow adds to what it downloads may be in the tree, if it
        is exactly MLflow's for the permit's version; it is not copied.

        Args:
            tree: folder to be loaded.
            permit: a file, or the envelope's bytes.
            into: a new or empty folder; on any failure nothing is left there.
            expect: what the bytes will be used for; the caller knows it, never the permit.

        Raises:
            UnverifiedBytes: the permit is not the gate's, is for another use or was taken back, or the first file that
                is missing, extra or different. The sentence says both uses.
            Unavailable: the disk is full.
            FolderNotEmpty: `into` holds something.
        """
        statement = self.read(permit)
        self.require_use(statement, expect, str(tree))
        if statement.prompt:
            raise UnverifiedBytes(str(tree), "The permit is for a prompt: load that by handrail.prompts.load.")
        with _saying_both(statement, expect):
            copy_verified(tree, statement.manifest, into, additions(statement))
            with ExitStack() as undo:
                undo.callback(shutil.rmtree, into, ignore_errors=True)
                _refuse_formats(statement, into)
                undo.pop_all()
        if self._seen:
            self._seen.keep(statement)
        return statement

    def require_use(self, permit: Permit, expect: Use, what: str) -> None:
        """Refuse a permit, whose signature holds, that does not allow this use now; `what` names what is loaded.

        Raises:
            UnverifiedBytes: the sentence says both uses.
        """
        refusal = why_unusable(permit, expect, self._clock())
        if refusal is None and (taken := self.revocations().of_request(permit.request_id)):
            refusal = (
                f"The permit for {permit.use} was taken back by {taken.person} at {taken.at}: {shown(taken.reason)!r}. "
                f"Wanted is {expect}."
            )
        if refusal is None and self._seen:
            refusal = self._seen.why_older(permit)
        if refusal:
            raise UnverifiedBytes(what, refusal)

    def _trusted(self) -> Ed25519PublicKey:
        try:
            key = load_pem_public_key(self._public_key.read_bytes())
        except FileNotFoundError as err:
            raise _no_key(self._public_key) from err
        except (OSError, ValueError, UnsupportedAlgorithm) as err:
            raise _bad_key(self._public_key) from err
        if not isinstance(key, Ed25519PublicKey):
            raise _bad_key(self._public_key)
        if self._pinned not in (None, key_id(key)):
            raise Misconfigured(
                str(self._public_key),
                f"it holds the key {key_id(key)}, and {self._pinned} is pinned",
                "Restore the gate's own key; if its key was changed on purpose, correct gate_key_id.",
            )
        return key


def _refuse_formats(permit: Permit, copy: Path) -> None:
    """Refuse what runs code when it is loaded, unless the permit allows it."""
    try:
        found = FolderTrees().formats(str(copy))
    except Refused as err:
        raise UnverifiedBytes(str(copy), " ".join(err.reasons)) from err
    for refusal in refused_formats(found, permit.terms.formats if permit.terms else ()):
        raise UnverifiedBytes(str(copy), refusal)


@contextmanager
def _saying_both(permit: Permit, expect: Use) -> Iterator[None]:
    """Add to a refusal what the permit is for and what is wanted."""
    try:
        yield
    except UnverifiedBytes as err:
        both = f"{err.problem} The permit is for {permit.use}, and wanted is {expect}."
        raise UnverifiedBytes(err.tree, both, err.path) from err


def key_id(key: Ed25519PublicKey) -> str:
    """Return the sha256 of the key's DER form, in hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _no_key(file: Path) -> Misconfigured:
    return Misconfigured(
        str(file),
        "the gate's public key is not here",
        "It is permits/gate.pub below the HANDRAIL_HOME of the gate's MLflow server: copy it, and name the copy with "
        "--key, or as the key of PermitVerifier.",
    )


def _bad_key(file: Path) -> Misconfigured:
    return Misconfigured(
        str(file), "it holds no Ed25519 key", "Start the MLflow server with the Handrail app, or restore the file."
    )
