"""What erasing a subject leaves: rows without a name, a record of who did it, and snapshots that say so."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from handrail.feedback.domain.values import moment_text

PREFIX = "erased:"
"""How every name begins that an erasure wrote."""
Why = Literal["asked", "kept long enough"]
What = Literal["prediction", "feedback", "quarantine"]
Marked = tuple[What, int, bytes]
"""(what, number, body): a row that an erasure changed, as it is now."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A record that rows lost their subject: who did it, when, and how many rows; never who the subject was.

    `name` is random: it is what the rows call their subject now. `rows` digests the rows as they are since then, so
    that a row which was altered later is found, and `mac` covers all of it with a key of the installation, so that
    nobody who can write the store alone passes an edit off as an erasure.
    """

    name: str
    at: datetime
    by: str
    why: Why
    predictions: int = 0
    feedback: int = 0
    quarantined: int = 0
    rows: str = ""
    mac: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no row was found."""
        return not (self.predictions or self.feedback or self.quarantined)

    def sealed(self, key: bytes) -> str:
        """Return the MAC of what the record says (HMAC-SHA256, hex)."""
        said = asdict(self) | {"at": moment_text(self.at), "mac": ""}
        return _mac(key, "erasure", json.dumps(said, sort_keys=True))


@dataclass(frozen=True, slots=True)
class Replaced:
    """A snapshot that contained erased rows, and the one of the same window that was made from what is left.

    `rows` counts the erased ones among its predictions.
    """

    digest: str
    successor: str
    erasure: str
    rows: int
    mac: str = ""

    def sealed(self, key: bytes) -> str:
        """Return the MAC of what the record says."""
        return _mac(key, "snapshot", json.dumps([self.digest, self.successor, self.erasure, self.rows]))


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of the log: the record, the snapshots that were replaced, and what was wrong before it began."""

    record: Erasure
    replaced: tuple[Replaced, ...] = ()
    altered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was written from a snapshot: its absolute path, and the sha256 that it had (hex)."""

    path: str
    snapshot: str
    sha256: str


def digest_rows(rows: Iterable[Marked]) -> str:
    """Digest rows in any order (sha256, hex)."""
    lines = sorted(f"{what}\t{number}\t{body.hex()}" for what, number, body in rows)
    return sha256("\n".join(lines).encode()).hexdigest()


def is_sealed(record: Erasure | Replaced, key: bytes | None) -> bool:
    """Return whether this installation wrote the record; without its key nobody knows."""
    return key is not None and hmac.compare_digest(record.mac, record.sealed(key))


def _mac(key: bytes, what: str, text: str) -> str:
    return hmac.new(key, f"handrail feedback {what} 1\n{text}".encode(), sha256).hexdigest()
