"""Labelled rows as a client of the gate sees them: look at, and confirm. Handing in is the client's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.entrypoints.http.gate_routes import Route


class SnapshotClient:
    """The snapshots of a gate as one account sees them."""

    def __init__(self, send: Callable[..., dict[str, Any]]) -> None:
        """Send with this: a route, and what it is sent."""
        self._send = send

    def listed(self, model: str) -> list[dict[str, Any]]:
        """Return what was handed in to measure a model on, oldest first."""
        rows: list[dict[str, Any]] = self._send(Route.SNAPSHOTS, params={"model": model})["snapshots"]
        return rows

    def shown(self, model: str, digest: str) -> dict[str, Any]:
        """Return a snapshot with what it holds: `rows`, or a `problem` for which nothing can be measured on it.

        Raises:
            UnknownReference: nobody handed it in for this model.
        """
        return self._send(Route.SNAPSHOTS, params={"model": model, "snapshot": digest})

    def confirm(self, model: str, digest: str) -> dict[str, Any]:
        """Confirm a snapshot as this account; what waited for it is measured. Returns the snapshot.

        Raises:
            UnknownReference: nobody handed it in for this model.
            NotEligible: this person may not confirm it.
        """
        return self._send(Route.CONFIRM_SNAPSHOT, json={"model": model, "snapshot": digest})
