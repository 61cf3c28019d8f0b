"""Keys that callers of a service send: random text, of which only a hash is kept, bound to one slot."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.errors import InvalidInput

KEY_PREFIX = "hrk_"
"""How every key begins, so that people and programs that search for secrets know one."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TEXT = re.compile(rf"{KEY_PREFIX}([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")


class Right(StrEnum):
    """What a caller of a service may do."""

    PREDICT = "predict"
    REPORT = "report"


EVERY_RIGHT = frozenset(Right)


@dataclass(frozen=True, slots=True)
class ServingKey:
    """A key as it is kept: `digest` is the sha256 of its text in hex, `pointer` the slot that it opens.

    Several keys of one `name` are one caller, who changes from one to the next. One without `expires_at` lives on.
    """

    key_id: str
    name: str
    pointer: str
    digest: str
    rights: frozenset[Right]
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def stands(self, now: datetime) -> bool:
        """Return whether it opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def check_name(name: str) -> str:
    """Return the name of a caller.

    Raises:
        InvalidInput: it has characters that are not allowed.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("name", f"{name!r} is not a name for a caller", "Use up to 64 letters, digits and . _ @ -")
    return name


def key_text(key_id: str, secret: str) -> str:
    """Return the text of a key: 12 hex digits that name it, and 32 random bytes in URL-safe Base64."""
    return f"{KEY_PREFIX}{key_id}_{secret}"


def key_digest(text: str) -> str:
    """Return what is kept of a key. It is random and long, so that a plain hash cannot be turned back."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


class KeyRing:
    """The keys of a slot, by the id in their text; finding one takes as long for any wrong secret."""

    def __init__(self, keys: Iterable[ServingKey]) -> None:
        self._keys = {key.key_id: key for key in keys}

    def knows(self, text: str) -> bool:
        """Return whether there is a key with the id in this text; that is no secret."""
        return _id_of(text) in self._keys

    def find(self, text: str, now: datetime) -> ServingKey | None:
        """Return the key with exactly this text, if it stands."""
        key = self._keys.get(_id_of(text))
        is_it = hmac.compare_digest(key_digest(text), key.digest if key else _NO_DIGEST)
        return key if key is not None and is_it and key.stands(now) else None


_NO_DIGEST = "0" * 64


def _id_of(text: str) -> str:
    found = _TEXT.fullmatch(text)
    return found[1] if found else ""
