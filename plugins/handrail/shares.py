"""Where a subject falls between 0 and 1: the same place each time and on every machine, without a table."""

from __future__ import annotations

import hashlib
import json

FALLBACK = "fallback"
"""The variant of an answer that the champion gave because the challenger could not: it counts for neither."""


def place_of(subject: str, salt: str) -> float:
    """Return a number from 0 up to 1 that only the subject and the salt decide; another salt draws independently."""
    digest = hashlib.sha256(json.dumps([salt, subject]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
