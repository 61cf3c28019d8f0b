"""Who may send events and ask questions over HTTP."""

from __future__ import annotations

import secrets

from handrail.clock import Clock
from handrail.errors import UnknownReference
from handrail.lineage.domain.callers import HolderKind, TokenRecord, find_record, holder_uri, token_digest
from handrail.lineage.domain.scopes import TokenScope
from handrail.lineage.ports import TokenRegister

TOKEN_BYTES = 32
EVERYTHING = TokenScope()


class Access:
    """Makes, checks and revokes bearer tokens."""

    def __init__(self, register: TokenRegister, clock: Clock) -> None:
        self._register = register
        self._clock = clock

    def create(self, name: str, kind: HolderKind = HolderKind.SERVICE, scope: TokenScope = EVERYTHING) -> str:
        """Make a token for a person or a service and return it; it cannot be shown a second time.

        `scope` is what it allows; everything if it is left out.

        Raises:
            InvalidInput: the name has characters that are not allowed.
            Conflict: there is a token of that name.
        """
        holder = holder_uri(kind, name)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._register.add(TokenRecord(name, holder, token_digest(token), self._clock(), scope))
        return token

    def revoke(self, name: str) -> None:
        """Make a token invalid.

        Raises:
            UnknownReference: there is no token of that name.
        """
        if not self._register.remove(name):
            raise UnknownReference("token", name, "Known names: handrail lineage token list.")

    def tokens(self) -> tuple[TokenRecord, ...]:
        """Return the records of all tokens, by name; the tokens themselves are not stored."""
        return self._register.all()

    def find(self, token: str) -> TokenRecord | None:
        """Return the record of a token: who holds it and what it allows; None if it is not valid."""
        return find_record(token, self._register.all())

    def holder_of(self, token: str) -> str | None:
        """Return the `actor://` URI behind a token; None if it is not valid."""
        found = self.find(token)
        return found.holder if found else None
