"""Sends events to a receiver of OpenLineage over HTTP."""

from __future__ import annotations

import httpx

from handrail.errors import Refused, Unavailable
from handrail.lineage.domain.outbox import QueuedEvent
from handrail.lineage.ports import Transport

TIMEOUT_S = 10
REFUSALS = frozenset({400, 409, 413, 422})
"""What says that this very event will never be taken; everything else may change, the token and the address too."""
MAX_SHOWN = 300


class HttpxTransport(Transport):
    """One receiver, such as Marquez, DataHub or another Handrail."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Send to `url`, with a bearer token if the receiver asks for one."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._url = url
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_S)

    def send(self, event: QueuedEvent) -> None:
        """Send an event; raise `Refused` if it will never be taken, `Unavailable` if perhaps later."""
        try:
            answer = self._client.post(
                self._url, content=event.body.encode(), headers={"idempotency-key": event.event_id}
            )
        except httpx.HTTPError as err:
            raise Unavailable(self._url, str(err).rstrip(".") or type(err).__name__, "It is tried again.") from err
        if answer.is_success:
            return
        said = f"HTTP {answer.status_code} {answer.text[:MAX_SHOWN]!r}"
        if answer.status_code in REFUSALS:
            raise Refused(f"Event {event.event_id[:12]} at {self._url}", (f"It answered {said}.",))
        raise Unavailable(self._url, f"it answered {said}", "It is tried again.")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
