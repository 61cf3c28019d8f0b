"""Where a list goes on, as text that only this server can read: a bare number would count what one may not read."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken

from handrail.errors import InvalidInput


@dataclass(frozen=True)
class Cursors:
    """Seals numbers; every process of a server has the same secret."""

    secret: bytes

    def seal(self, number: int) -> str:
        """Return a number as text."""
        return self._box.encrypt(str(number).encode()).decode()

    def open(self, text: str, field: str) -> int:
        """Return the number of a text of this server; empty is the start, 0.

        Raises:
            InvalidInput: this server did not make it.
        """
        try:
            return int(self._box.decrypt(text.encode())) if text else 0
        except (InvalidToken, ValueError) as err:
            raise InvalidInput(field, f"{text!r:.80} is not of this server", "Send the one that came as next.") from err

    @cached_property
    def _box(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"handrail cursors 1" + self.secret).digest()))


def open_cursors() -> Cursors:
    """Return those of this server, by the secret that all its processes have."""
    return Cursors(os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"].encode())
