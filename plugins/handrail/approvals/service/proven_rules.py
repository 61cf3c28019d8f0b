"""Changes of rules for callers that are not trusted: what comes into force is judged here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.possible import CLOCKS_APART
from handrail.approvals.domain.rule_changes import (
    ChangeHistory,
    ChangeState,
    RuleChange,
    RuleSet,
    RulesInForce,
    Way,
    judge_change,
    why_not_deciding,
)
from handrail.approvals.rule_ports import Readable, RuleRecords
from handrail.approvals.service.proving import REMEDY, is_plain
from handrail.approvals.service.rule_views import RuleViews
from handrail.approvals.service.signing import Signatures, change_as_matter
from handrail.clock import Clock
from handrail.errors import Refused


@dataclass(frozen=True, slots=True)
class ProvenRules(RuleRecords):
    """Keeps the promise of `RuleRecords` in front of others, for what can have happened."""

    records: RuleRecords
    files: Callable[[], RuleSet]
    read: Callable[[RuleSet], Readable]
    clock: Clock
    signatures: Signatures

    def in_force(self) -> RulesInForce | None:
        """Return the rules that are in force."""
        return self.records.in_force()

    def all_in_force(self) -> Sequence[RulesInForce]:
        """Return all rules that were ever in force, oldest first."""
        return self.records.all_in_force()

    def take(self, taken: RulesInForce) -> None:
        """Bring the files into force where nobody can be asked: at the first start, and while nobody is named.

        Raises:
            Refused: somebody can be asked, or these are not the files.
        """
        now, files = self.records.in_force(), self.files()
        if now is None:
            expected = (Way.FIRST, files)
        elif self.read(now.rules).directory().persons:
            raise _impossible("Somebody can be asked; who runs the machine takes them with 'rules take'.")
        else:
            expected = (Way.NOBODY, files.keeping(now.rules))
        self.read(files).check()
        if (taken.way, taken.rules) != expected or taken.change_id is not None:
            raise _impossible("They are not what the files say.")
        self.records.take(taken)

    def open(self, change: RuleChange) -> ChangeHistory:
        """Store a proposal of the files instead of what is in force.

        Raises:
            Refused: it is another proposal, or nobody known proposed it.
        """
        now = RuleViews(self.records, self.read).in_force()
        self.read(change.rules).check()
        is_of_files = change.base == now.rules.digest != change.rules.digest and change.rules == self.files()
        if not is_of_files or not self.read(now.rules).directory().answerable(change.proposer):
            raise _impossible("It is no proposal of the files by somebody in the roles in force.")
        self._require(change.opened_at, change.reason)
        return self.records.open(change)

    def append(self, history: ChangeHistory, decision: Decided, adopted: RulesInForce | None) -> ChangeHistory:
        """Store a decision by somebody who may decide, and bring into force what it completes.

        Raises:
            Refused: it cannot have been decided, or does not decide that.
            NotSigned: a policy asks for a signature, or the one that came does not hold.
            MovedMeanwhile: there are other decisions, or other rules in force, by now.
        """
        views = RuleViews(self.records, self.read)
        now, view = views.in_force(), views.view(history)
        ruling = views.ruling_over(history, now)
        person = ruling.directory.person_behind(decision.account)
        refusal = why_not_deciding(decision.account, history.change.proposer, view.quorum, ruling)
        is_theirs = person is not None and person.name == decision.person and decision.choice is not Choice.ASK
        if view.state is not ChangeState.PENDING or refusal or not is_theirs:
            raise _impossible(refusal or "It takes no such decision.")
        self._require(decision.at, decision.reason)
        if decision.seen != (history.change.rules.digest if decision.signature else None):
            raise _impossible("It was signed under other rules than those that are proposed.")
        matter = change_as_matter(history, ruling.wants_signatures(view.files))
        self.signatures.require(decision, matter, ruling.directory, self.clock())
        state, _ = judge_change(history.then(decision), view.files, ruling)
        change = history.change
        expected = RulesInForce(
            now.number + 1, change.rules, Way.DECIDED, decision.at, change.proposer, change.reason, change.change_id
        )
        if adopted != (expected if state is ChangeState.IN_FORCE else None):
            raise _impossible("It does not bring these rules into force.")
        return self.records.append(history, decision, adopted)

    def load(self, change_id: str) -> ChangeHistory:
        """Return a proposal with its decisions."""
        return self.records.load(change_id)

    def changes(self) -> Sequence[ChangeHistory]:
        """Return everything that was proposed, oldest first."""
        return self.records.changes()

    def _require(self, at: datetime, reason: str) -> None:
        if abs(at - self.clock()) > CLOCKS_APART:
            raise _impossible("The clocks are apart.")
        if not is_plain(reason):
            raise _impossible("The reason is not plain text.")


def _impossible(problem: str) -> Refused:
    return Refused("Changing the rules", (problem, REMEDY))
