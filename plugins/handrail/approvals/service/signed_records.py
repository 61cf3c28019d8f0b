"""Verifies the signatures of all decisions that are stored, by the keys that their persons had then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.events import Decided, History
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.rule_changes import ChangeHistory, RuleSet, RulesInForce
from handrail.approvals.rule_ports import Readable
from handrail.approvals.service.signing import Signatures, name_of


@dataclass(frozen=True, slots=True)
class SignedRecords:
    """Stored decisions beside all rules that were ever in force, oldest first; `read` says what their texts mean."""

    signatures: Signatures
    in_force: Sequence[RulesInForce]
    read: Callable[[RuleSet], Readable]

    def problems(self, histories: Iterable[History], changes: Iterable[ChangeHistory]) -> Iterator[str]:
        """Yield one sentence for each signature that does not hold."""
        for history in histories:
            decided = (event for event in history.events if isinstance(event, Decided))
            yield from self._problems(history.request.request_id, name_of(history.request), decided)
        for change in changes:
            yield from self._problems(change.change.change_id, change.change.change_id, change.decided)

    def _problems(self, record: str, about: str, decided: Iterable[Decided]) -> Iterator[str]:
        for decision in decided:
            if decision.signature is None:
                continue
            person = self._directory(decision.at).person_behind(decision.account)
            key = person.key(decision.signature.key_id) if person else None
            if key is None or not self.signatures.holds(decision, about, key):
                said = f"{decision.person} said {decision.choice} at {decision.at.isoformat()}"
                yield f"The signature in {record!r}, where {said}, is not theirs under that decision."

    def _directory(self, at: datetime) -> Directory:
        ruling = [rules for rules in self.in_force if rules.at <= at]
        return self.read(ruling[-1].rules).directory() if ruling else Directory(())
