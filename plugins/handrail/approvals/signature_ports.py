"""What signatures of persons need from the world."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from handrail.approvals.domain.signatures import PersonKey


class SignatureCheck(Protocol):
    """Verifies signatures with public keys of persons."""

    @abstractmethod
    def holds(self, key: PersonKey, text: bytes, signature: bytes) -> bool:
        """Return whether the signature is that key's over exactly this text; False for whatever is not one."""
