"""Who may send events and ask questions over HTTP."""

from __future__ import annotations

import secrets

from handrail.clock import Clock
from handrail.errors import UnknownReference
from handrail.lineage.domain import HolderKind, TokenRecord, find_holder, holder_uri, token_digest
from handrail.lineage.ports import TokenRegister

TOKEN_BYTES = 32


class Access:
    """Makes, checks and revokes bearer tokens."""

    def __init__(self, register: TokenRegister, clock: Clock) -> None:
        """Keep tokens in `register`."""
        self._register = register
        self._clock = clock

    def create(self, name: str, kind: HolderKind = HolderKind.SERVICE) -> str:
        """Make a token for a person or a service and return it; it cannot be had a second time.

        Raises:
            InvalidInput: the name is no simple name.
            Conflict: there is a token of that name.
        """
        holder = holder_uri(kind, name)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._register.add(TokenRecord(name, holder, token_digest(token), self._clock()))
        return token

    def revoke(self, name: str) -> None:
        """Let a token count no more.

        Raises:
            UnknownReference: there is none of that name.
        """
        if not self._register.remove(name):
            raise UnknownReference("token", name, "Known names: handrail lineage token list.")

    def tokens(self) -> tuple[TokenRecord, ...]:
        """Return what is known of all tokens, by name; the tokens themselves are not."""
        return self._register.all()

    def holder_of(self, token: str) -> str | None:
        """Return the `actor://` URI behind a token; None if it does not count."""
        return find_holder(token, self._register.all())
