"""The texts of a transparency log as C2SP writes them: signed notes, verifier keys, checkpoints and cosignatures.

Formats: https://c2sp.org/signed-note@v1.0.0, https://c2sp.org/tlog-checkpoint@v1.0.0 and
https://c2sp.org/tlog-cosignature@v1.0.0. Nothing here signs or verifies a signature: adapters do.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from handrail.approvals.domain.merkle import HASH_BYTES

ED25519, COSIGNATURE = 0x01, 0x04
PUBLIC_KEY_BYTES, SIGNATURE_BYTES, KEY_ID_BYTES, TIME_BYTES = 32, 64, 4, 8
MOST_SIGNATURES, MOST_BYTES = 100, 1_000_000
_DASH = "\u2014 "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signature a note may carry: a name, the type of signature, and an Ed25519 public key."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot stand in a note.

        Raises:
            ValueError: the name or the key cannot be used.
        """
        _refuse_name(self.name)
        if self.kind not in (ED25519, COSIGNATURE) or len(self.public) != PUBLIC_KEY_BYTES:
            raise ValueError(f"the key of {self.name!r} is not an Ed25519 key of a log or of a witness")

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode("utf-8") + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as it is written in files: `name+hex+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key.

        Raises:
            ValueError: it is no verifier key, or its id is not the one of its key.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, key = rest.partition("+")
        held = _from_base64(key)
        found = cls(name, held[0] if held else 0, held[1:])
        if found.key_id.hex() != key_id:
            raise ValueError(f"the id {key_id!r} is not the one of the key, {found.key_id.hex()}")
        return found


@dataclass(frozen=True, slots=True)
class Signature:
    """A line below a note: who signed, by which key, and the signature's own bytes."""

    name: str
    key_id: bytes
    content: bytes

    @property
    def line(self) -> str:
        """The line, with its end."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.content)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Return whether it says that it is by this key."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True)
class Note:
    """A text, with its last line's end, and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it is sent and kept."""
        return (self.text + "\n" + "".join(each.line for each in self.signatures)).encode("utf-8")

    @classmethod
    def parse(cls, content: bytes) -> Note:
        """Read a note.

        Raises:
            ValueError: it is no signed note.
        """
        if len(content) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
        written = content.decode("utf-8")
        if any(character < " " and character != "\n" for character in written):
            raise ValueError("it holds a control character")
        text, blank, below = written.rpartition("\n\n")
        if not blank or not below.endswith("\n"):
            raise ValueError("it has no signatures below a blank line")
        lines = below[:-1].split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise ValueError(f"it has more than {MOST_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(_signature, lines)))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: whose it is, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed. No extension lines: monitors could not audit them."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the first three lines of a note's text; extension lines say nothing here.

        Raises:
            ValueError: it is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise ValueError("it has no three lines of origin, size and root")
        origin, size, root = lines[:3]
        if not size.isascii() or not size.isdecimal() or (size[0] == "0" and size != "0"):
            raise ValueError(f"its size {size!r:.40} is not a whole number")
        return cls(origin, int(size), hash_from(root))


def cosigned_text(note_text: str, at: int) -> bytes:
    """Return what a witness signs about a checkpoint at a POSIX time in seconds."""
    return f"cosignature/v1\ntime {at}\n{note_text}".encode()


def hash_from(text: str) -> bytes:
    """Read a hash in base64.

    Raises:
        ValueError: it is not the base64 of one hash.
    """
    found = _from_base64(text)
    if len(found) != HASH_BYTES:
        raise ValueError(f"{text!r:.60} is not the base64 of a SHA-256 hash")
    return found


def hash_text(found: bytes) -> str:
    """Write a hash in base64."""
    return _base64(found)


def _signature(line: str) -> Signature:
    name, _, content = line.removeprefix(_DASH).partition(" ")
    held = _from_base64(content)
    _refuse_name(name)
    if not line.startswith(_DASH) or len(held) <= KEY_ID_BYTES:
        raise ValueError(f"{line!r:.60} is no line of a signature")
    return Signature(name, held[:KEY_ID_BYTES], held[KEY_ID_BYTES:])


def _refuse_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise ValueError(f"{name!r:.60} is no name of a key: it is empty, or holds a space or a plus")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _from_base64(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise ValueError(f"{text!r:.60} is not base64") from err
    if _base64(found) != text:
        raise ValueError(f"{text!r:.60} is not base64 in its only spelling")
    return found
