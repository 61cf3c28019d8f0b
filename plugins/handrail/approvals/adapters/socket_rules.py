"""Rules in force and their changes, where a keeper holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.rule_rows import (
    change_body,
    change_from,
    decision_body,
    decision_from,
    rules_body,
    rules_from,
)
from handrail.approvals.domain.events import Decided
from handrail.approvals.domain.rule_changes import ChangeHistory, RuleChange, RulesInForce
from handrail.approvals.rule_ports import RuleRecords


class SocketRules(RuleRecords):
    """Keeps the promise of `RuleRecords` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper
        self._known: tuple[int, RulesInForce] | None = None

    def in_force(self) -> RulesInForce | None:
        """Return the rules in force; their texts are sent only when they are others than before."""
        answer = self._keeper.ask("rules.in_force", known=self._known[0] if self._known else None)
        if answer is None:
            return None
        if answer["rules"] is not None:
            self._known = answer["number"], rules_from(answer["rules"])
        assert self._known is not None
        return self._known[1]

    def all_in_force(self) -> Sequence[RulesInForce]:
        """Return all rules that were ever in force, oldest first."""
        return [rules_from(body) for body in self._keeper.ask_for_all("rules.all_in_force")]

    def take(self, taken: RulesInForce) -> None:
        """Bring rules into force that nobody decided about."""
        self._keeper.ask("rules.take", taken=rules_body(taken))

    def open(self, change: RuleChange) -> ChangeHistory:
        """Store the proposal unless its id is there already."""
        return change_history_from(self._keeper.ask("rules.open", change=change_body(change)))

    def append(self, history: ChangeHistory, decision: Decided, adopted: RulesInForce | None) -> ChangeHistory:
        """Store one more decision, and with it, if it decides, the rules in force."""
        answer = self._keeper.ask(
            "rules.append",
            change_id=history.change.change_id,
            after=len(history.decided),
            decision=decision_body(decision),
            adopted=rules_body(adopted) if adopted else None,
        )
        return change_history_from(answer)

    def load(self, change_id: str) -> ChangeHistory:
        """Return a proposal with its decisions."""
        return change_history_from(self._keeper.ask("rules.load", change_id=change_id))

    def changes(self) -> Sequence[ChangeHistory]:
        """Return everything that was proposed, oldest first."""
        return [change_history_from(values) for values in self._keeper.ask_for_all("rules.changes")]


def change_history_values(history: ChangeHistory) -> dict[str, Any]:
    """Write a proposed change with its decisions."""
    decided = [decision_body(decision) for decision in history.decided]
    return {"change": change_body(history.change), "decided": decided, "in_force": history.in_force}


def change_history_from(values: Mapping[str, Any]) -> ChangeHistory:
    """Read what `change_history_values` wrote."""
    decided = tuple(decision_from(body) for body in values["decided"])
    return ChangeHistory(change_from(values["change"]), decided, bool(values["in_force"]))
