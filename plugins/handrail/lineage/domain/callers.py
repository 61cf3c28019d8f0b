"""Who may send and ask: a token is a long random text, bound to a person or a service; only its hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from handrail.errors import InvalidInput
from handrail.lineage.domain.names import agent_uri
from handrail.lineage.domain.scopes import TokenScope

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class HolderKind(Enum):
    """Who uses a token."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as it is stored: `holder` is the `actor://` URI that it represents, `digest` the sha256 in hex.

    `scope` is what it allows.
    """

    name: str
    holder: str
    digest: str
    made_at: datetime
    scope: TokenScope = TokenScope()


def holder_uri(kind: HolderKind, name: str) -> str:
    """`actor://person/<name>` or `actor://service/<name>`.

    Raises:
        InvalidInput: the name has characters that are not allowed.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("name", f"{name!r} is not a name for a caller", "Use up to 64 letters, digits and . _ @ -")
    return agent_uri(kind.value, name)


def token_digest(token: str) -> str:
    """Return what is stored of a token. It is random and long, so that a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def find_record(token: str, records: Iterable[TokenRecord]) -> TokenRecord | None:
    """Return the record of a token; the time taken does not reveal how much of it was right."""
    given = token_digest(token)
    found: TokenRecord | None = None
    for record in records:
        if hmac.compare_digest(given, record.digest):
            found = record
    return found
