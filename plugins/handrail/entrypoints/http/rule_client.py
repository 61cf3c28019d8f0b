"""Asks the gate which rules are in force, proposes others and decides about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.approvals import PersonSignature
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.gate_signing import sent


class RuleClient:
    """The gate's rules as one account sees them. Every call may be repeated."""

    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        """Send each call with `call`, which takes a route and its content and raises what the gate raised."""
        self._call = call

    def in_force(self) -> dict[str, Any]:
        """Return the rules in force (`in_force`, with `texts`) and a sentence for each file that only proposes.

        And `server`, the name that signed decisions are for.

        Raises:
            Misconfigured: nothing is in force yet.
        """
        return self._call(Route.RULES)

    def propose(self, reason: str) -> dict[str, Any]:
        """Propose what the files on the server's machine say now; the same again returns the same change.

        Raises:
            NotEligible: this account belongs to nobody in the roles in force.
            Refused: the files say what is in force.
            Misconfigured: a file cannot be used.
        """
        return self._call(Route.PROPOSE_RULES, json={"reason": reason})

    def change(self, change_id: str) -> dict[str, Any]:
        """Return a proposed change: `state`, `reasons`, `diffs` by file, `quorum`, `decisions`.

        Raises:
            UnknownReference: there is none.
        """
        return self._call(Route.RULE_CHANGES, params={"id": change_id})

    def changes(self) -> list[dict[str, Any]]:
        """Return all proposed changes, oldest first."""
        found: list[dict[str, Any]] = self._call(Route.RULE_CHANGES)["changes"]
        return found

    def decide(
        self, change_id: str, decision: str, reason: str, *, signature: PersonSignature | None = None
    ) -> dict[str, Any]:
        """Approve or reject a change as this account; returns it, `in force` once the quorum is complete.

        Raises:
            NotEligible: this person may not decide about it.
            Closed: it takes no more decisions.
            NotSigned: a policy asks for a signature, or this one does not hold.
        """
        body = {"change_id": change_id, "decision": decision, "reason": reason}
        return self._call(Route.DECIDE_RULES, json=body | sent(signature))
