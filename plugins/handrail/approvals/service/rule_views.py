"""Looks at proposed changes of rules: where each stands by what rules now, and what it would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.quorum import missing_roles
from handrail.approvals.domain.rule_changes import (
    ChangeHistory,
    ChangeState,
    RuleSet,
    RulesInForce,
    Ruling,
    file_of,
    judge_change,
    why_not_deciding,
)
from handrail.approvals.rule_ports import Readable, RuleRecords
from handrail.errors import HandrailError, Misconfigured


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A proposed change with where it stands, why, and how each file that it changes differs from what ruled."""

    history: ChangeHistory
    state: ChangeState
    reasons: tuple[str, ...]
    diffs: dict[str, str]
    quorum: dict[str, int]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that it changes."""
        return tuple(self.diffs)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the texts as JSON values."""
        change = self.history.change
        return {
            "change_id": change.change_id,
            "state": str(self.state),
            "reasons": list(self.reasons),
            "diffs": self.diffs,
            "quorum": self.quorum,
            "proposer": change.proposer,
            "reason": change.reason,
            "opened_at": change.opened_at.isoformat(),
            "base": change.base,
            "digest": change.rules.digest,
            "decisions": [
                {
                    "person": decision.person,
                    "account": decision.account,
                    "decision": str(decision.choice),
                    "reason": decision.reason,
                    "at": decision.at.isoformat(),
                    "signed_by": decision.signature.key_id if decision.signature else None,
                }
                for decision in self.history.decisions
            ],
        }


class RuleViews:
    """What rules, and everything that was proposed, judged by what rules now."""

    def __init__(self, records: RuleRecords, read: Callable[[RuleSet], Readable]) -> None:
        """Look at these records; `read` says what texts mean."""
        self._records, self.read = records, read

    def in_force(self) -> RulesInForce:
        """Return what rules now.

        Raises:
            Misconfigured: the gate's server was never started.
            LogMismatch: what is stored is not what was logged.
        """
        found = self._records.in_force()
        if found is None:
            remedy = "Start the gate's MLflow server once: it takes the files."
            raise Misconfigured("the rules", "none are in force yet", remedy)
        return found

    def change(self, change_id: str) -> ChangeView:
        """Return a proposed change and where it stands.

        Raises:
            UnknownReference: there is none.
        """
        return self.view(self._records.load(change_id))

    def changes(self) -> Sequence[ChangeView]:
        """Return everything that was proposed, oldest first."""
        now = self.in_force()
        return [self._judged(history, now) for history in self._records.changes()]

    def view(self, history: ChangeHistory) -> ChangeView:
        """Judge a proposed change by what rules now."""
        return self._judged(history, self.in_force())

    def _judged(self, history: ChangeHistory, now: RulesInForce) -> ChangeView:
        diffs = self._diffs(history, now)
        try:
            ruling = self.ruling_over(history, now)
        except HandrailError as err:
            # Of an older release, which could read what this one cannot.
            return ChangeView(history, ChangeState.VOID, (str(err),), diffs, {})
        state, reasons = judge_change(history, diffs, ruling)
        if state is ChangeState.PENDING:
            signed = ruling.wants_signatures(diffs)
            reasons += tuple(_unreachable(ruling, history.change.proposer, ruling.quorum_for(diffs), signed=signed))
        return ChangeView(history, state, reasons, diffs, ruling.quorum_for(diffs))

    def _diffs(self, history: ChangeHistory, now: RulesInForce) -> dict[str, str]:
        change = history.change
        bases = (once.rules for once in (now, *self._records.all_in_force()) if once.rules.digest == change.base)
        base = next(bases, change.rules)
        return {name: base.diff(change.rules, name) for name in change.rules.differing(base)}

    def ruling_over(self, history: ChangeHistory, now: RulesInForce) -> Ruling:
        """Return what a change is judged by, by these rules."""
        rules, proposed = self.read(now.rules), self.read(history.change.rules)
        policies = {file_of(name): policy for name, policy in rules.policies().items()}
        quorums = {name: policy.change_quorum for name, policy in policies.items()}
        signed = frozenset(name for name, policy in policies.items() if policy.signed)
        return Ruling(now.rules.digest, quorums, rules.directory(), proposed.directory(), signed)


def _unreachable(ruling: Ruling, proposer: str, quorum: dict[str, int], *, signed: bool) -> Iterator[str]:
    """Say which roles all persons together who may decide about the change would leave open."""
    able = [
        person
        for person in ruling.directory.persons
        if (person.keys or not signed)
        and any(why_not_deciding(account, proposer, quorum, ruling) is None for account in person.accounts)
    ]
    key = " who has a key to sign with" if signed else ""
    for role, count in missing_roles(quorum, able).items():
        yield (
            f"All who may decide about it leave {count} {role}{key} open, so it cannot be decided as it stands: have "
            "somebody else propose it, or let whoever runs the server take it: 'handrail approvals rules take'."
        )
