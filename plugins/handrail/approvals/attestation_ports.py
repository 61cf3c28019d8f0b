"""What the gate needs to trust what a pipeline signs. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from handrail.approvals.domain.attesting import Identity


class Identities(Protocol):
    """The pipelines that may sign evidence, as the rules in force say at this moment."""

    @abstractmethod
    def known(self) -> Mapping[str, Identity]:
        """Return every pipeline by the id of its key; nothing if nobody is named.

        Raises:
            Misconfigured: what is said about them cannot be used.
        """


class Nonces(Protocol):
    """Numbers that are used once: each is given for one purpose and serves one request."""

    @abstractmethod
    def issue(self, purpose: str, account: str, now: datetime, expires: datetime) -> str:
        """Return a new unguessable nonce for a purpose, kept durably until it expires, with the account that asks.

        Raises:
            Refused: the account has too many that can still be used.
        """

    @abstractmethod
    def spend(self, nonce: str, purpose: str, request_id: str, now: datetime) -> None:
        """Use the nonce for a request, durably. Repeating it for the same request changes nothing, also later.

        Raises:
            Refused: it was never given for this purpose, has expired, or serves another request.
        """
