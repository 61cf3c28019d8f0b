"""Texts that go to others: the proof that a leaf is in a log, and what is sent to a witness.

Formats: https://c2sp.org/tlog-proof (`c2sp.org/tlog-proof@v1`) and https://c2sp.org/tlog-witness@v1.0.0.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from handrail.approvals.domain.notes import Checkpoint, Note, hash_from, hash_text

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class LeafProof:
    """The proof that the leaf at `index` is in the tree of a checkpoint; `leaf` is carried along as extra data."""

    leaf: bytes
    index: int
    hashes: tuple[bytes, ...]
    note: Note

    def to_bytes(self) -> bytes:
        """Return the proof as a `.tlog-proof` file."""
        lines = [HEADER, f"extra {base64.b64encode(self.leaf).decode('ascii')}", f"index {self.index}"]
        lines += map(hash_text, self.hashes)
        return "\n".join([*lines, "", ""]).encode("ascii") + self.note.to_bytes()

    @classmethod
    def parse(cls, content: bytes) -> LeafProof:
        """Read a `.tlog-proof` file that carries its leaf.

        Raises:
            ValueError: it is none, or carries no leaf.
        """
        above, blank, note = content.decode("utf-8").partition("\n\n")
        lines = above.split("\n")
        if not blank or len(lines) < 3 or lines[0] != HEADER:
            raise ValueError(f"it does not begin with {HEADER}, extra data and an index")
        try:
            leaf = base64.b64decode(_after("extra ", lines[1]), validate=True)
        except binascii.Error as err:
            raise ValueError("its extra data is not base64") from err
        hashes = tuple(map(hash_from, lines[3:]))
        if len(hashes) > MOST_HASHES:
            raise ValueError(f"it has more than {MOST_HASHES} hashes")
        return cls(leaf, _number(_after("index ", lines[2])), hashes, Note.parse(note.encode("utf-8")))


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint for a witness, with the proof that it continues the one of size `old`."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def to_bytes(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old}", *map(hash_text, self.proof), "", ""]
        return "\n".join(lines).encode("ascii") + self.note.to_bytes()

    @property
    def checkpoint(self) -> Checkpoint:
        """The head that is to be cosigned."""
        return Checkpoint.parse(self.note.text)

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read the body of a request.

        Raises:
            ValueError: it is none.
        """
        above, blank, note = body.decode("utf-8").partition("\n\n")
        lines = above.split("\n")
        if not blank or len(lines) > 1 + MOST_HASHES:
            raise ValueError("it has no old size, at most 63 hashes and a blank line above a checkpoint")
        found = cls(
            _number(_after("old ", lines[0])), tuple(map(hash_from, lines[1:])), Note.parse(note.encode("utf-8"))
        )
        Checkpoint.parse(found.note.text)
        return found


def _after(name: str, line: str) -> str:
    if not line.startswith(name):
        raise ValueError(f"{line!r:.60} does not begin with {name!r}")
    return line.removeprefix(name)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or (text[0] == "0" and text != "0") or len(text) > 19:
        raise ValueError(f"{text!r:.40} is no whole number")
    return int(text)
