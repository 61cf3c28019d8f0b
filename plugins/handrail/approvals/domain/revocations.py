"""The list of permits that were taken back: what the gate signs, and what a verifier reads without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.events import History
from handrail.manifest import canonical_json

PAYLOAD_TYPE = "application/vnd.handrail.revocations+json"
FORMAT = "handrail.revocations/1"


@dataclass(frozen=True, slots=True)
class Revocation:
    """One permit that was taken back."""

    request_id: str
    at: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class RevocationList:
    """Every permit of a gate that was taken back, as known at a moment."""

    server: str
    issued: str
    revoked: tuple[Revocation, ...]

    @classmethod
    def of(cls, server: str, histories: Iterable[History], now: datetime) -> RevocationList:
        """List what was taken back."""
        found = (
            Revocation(history.request.request_id, event.at.isoformat(), event.person, event.reason)
            for history in histories
            if (event := history.revoked)
        )
        return cls(server, now.isoformat(), tuple(sorted(found, key=lambda each: each.request_id)))

    @classmethod
    def from_payload(cls, payload: bytes) -> RevocationList:
        """Read what `payload` wrote.

        Raises:
            ValueError: it is no such list.
        """
        try:
            fields = json.loads(payload)
            if fields["format"] != FORMAT:
                raise ValueError("it is of another format")
            revoked = tuple(Revocation(**{name: str(row[name]) for name in row}) for row in fields["revoked"])
            return cls(str(fields["server"]), str(fields["issued"]), revoked)
        except (KeyError, TypeError, RecursionError) as err:
            raise ValueError(f"it is no list of permits: {err}") from err

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        rows = [
            {"request_id": each.request_id, "at": each.at, "person": each.person, "reason": each.reason}
            for each in self.revoked
        ]
        return canonical_json({"format": FORMAT, "server": self.server, "issued": self.issued, "revoked": rows})

    def of_request(self, request_id: str) -> Revocation | None:
        """Return how a permit was taken back, None if it was not."""
        return next((each for each in self.revoked if each.request_id == request_id), None)
