"""What a form carries to show that a page of this server was sent back by the person it was made for."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.errors import Refused

GOOD_FOR = timedelta(hours=12)
_REMEDY = "Nothing was recorded. Load the page again, and send it from there."


@dataclass(frozen=True, slots=True)
class Forms:
    """Makes and checks the tokens of forms; every process of a server has the same secret."""

    secret: bytes

    def token(self, account: str, about: str, now: datetime) -> str:
        """Return a token for a form about something, for this account alone; it is good for 12 hours."""
        made = str(int(now.timestamp()))
        return f"{made}.{self._mac(account, about, made)}"

    def check(self, token: str, account: str, about: str, now: datetime) -> None:
        """Let a form pass that this server made for the account, and about that.

        Raises:
            Refused: it did not, or too long ago.
        """
        made, _, mac = token.partition(".")
        if not made.isdecimal() or not hmac.compare_digest(mac.encode(), self._mac(account, about, made).encode()):
            raise Refused("A form that is not one of this page's own", (_REMEDY,))
        age = now.timestamp() - int(made)
        if not 0 <= age + 60 <= GOOD_FOR.total_seconds() + 60:
            raise Refused("A page that was loaded more than 12 hours ago", (_REMEDY,))

    def _mac(self, account: str, about: str, made: str) -> str:
        parts = "\0".join((f"{len(account)}", account, f"{len(about)}", about, made))
        return hmac.new(self._key, parts.encode(), hashlib.sha256).hexdigest()

    @property
    def _key(self) -> bytes:
        return hmac.new(self.secret, b"handrail console forms 1", hashlib.sha256).digest()
