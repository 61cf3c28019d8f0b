"""What a client of the gate sends beside requests and decisions: answers, findings, renewals, the short ways.

And what it asks: what changed since the version before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from handrail.approvals import PersonSignature
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.gate_signing import sent


class GateAnswers(ABC):
    """The part of the gate's client for these; a subclass sends."""

    @abstractmethod
    def _json(self, route: Route, **content: Any) -> dict[str, Any]:
        """Send to a route, and return the JSON object of its answer."""

    def changes(self, request_id: str) -> dict[str, Any]:
        """Return what changed since the version that the alias pointed at when a request was opened.

        Raises:
            UnknownReference: there is no such request.
        """
        return self._json(Route.CHANGES, params={"id": request_id})

    def answer(self, request_id: str, answer: str, question: int | None = None) -> dict[str, Any]:
        """Answer a question about a request, by its number or the one that is open; returns the request.

        Raises:
            NotEligible: this person neither asks for the promotion nor made the version.
            Closed: nothing waits for an answer any more.
        """
        body: dict[str, Any] = {"request_id": request_id, "answer": answer}
        return self._json(Route.ANSWER, json=body | ({} if question is None else {"question": question}))

    def renew(self, request_id: str, reason: str | None = None) -> dict[str, Any]:
        """Ask again for what a void request asked for, with the same evidence; returns the new request.

        Raises:
            Refused: the request is not void.
        """
        return self._json(Route.RENEW, json={"request_id": request_id} | ({"reason": reason} if reason else {}))

    def roll_back(self, *, model: str, version: int | str, alias: str, reason: str) -> dict[str, Any]:
        """Ask to go back to a version that the gate promoted to `alias` before; one approval is enough.

        Raises:
            Refused: it was not, its permit was taken back, or its files changed.
        """
        body = {"model": model, "version": str(version), "alias": alias, "reason": reason}
        return self._json(Route.ROLL_BACK, json=body)

    def break_glass(  # noqa: PLR0913 - one argument for each part
        self,
        *,
        model: str,
        version: int | str,
        alias: str,
        reason: str,
        signature: PersonSignature | None = None,
    ) -> dict[str, Any]:
        """Move `alias` at once as one person; the answer has the id of the `confirmation` that two others decide.

        Raises:
            NotEligible: the policy gives this person no right to break the glass.
            Refused: a format that runs code, or another emergency waits for its confirmation.
            NotSigned: the policy asks for a signature, or this one, of `sign_emergency`, does not hold.
        """
        body = {"model": model, "version": str(version), "alias": alias, "reason": reason}
        return self._json(Route.BREAK_GLASS, json=body | sent(signature))

    def open_finding(
        self, model: str, text: str, severity: str, *, version: int | str | None = None, alias: str | None = None
    ) -> dict[str, Any]:
        """Open a finding, which shuts the gate for what it is about; without version or alias it is about each.

        Raises:
            NotEligible: the account belongs to no person and no service.
        """
        body = {"model": model, "text": text, "severity": severity}
        body |= {} if version is None else {"version": str(version)}
        return self._json(Route.OPEN_FINDING, json=body | ({} if alias is None else {"alias": alias}))

    def close_finding(self, finding_id: str, reason: str) -> dict[str, Any]:
        """Close a finding; returns it.

        Raises:
            NotEligible: this account may not close it.
        """
        return self._json(Route.CLOSE_FINDING, json={"finding_id": finding_id, "reason": reason})

    def findings(self, model: str | None = None, *, only_open: bool = False) -> list[dict[str, Any]]:
        """Return findings, oldest first for each model."""
        params = ({"model": model} if model else {}) | ({"state": "open"} if only_open else {})
        found: list[dict[str, Any]] = self._json(Route.FINDINGS, params=params)["findings"]
        return found
