"""Policies and roles rule once persons in the roles that rule now have let them: until then a file only proposes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from handrail.approvals.domain.errors import Closed, MovedMeanwhile, NotEligible
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.rule_changes import (
    POLICIES,
    ChangeHistory,
    ChangeState,
    RuleChange,
    RuleSet,
    RulesInForce,
    Way,
    judge_change,
    why_not_deciding,
)
from handrail.approvals.domain.signatures import PersonSignature
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.rule_ports import Readable, RuleRecords
from handrail.approvals.service.rule_views import ChangeView, RuleViews
from handrail.approvals.service.seen import Said
from handrail.approvals.service.signing import Signatures, change_as_matter
from handrail.clock import Clock
from handrail.errors import Misconfigured, Refused, Unavailable

ATTEMPTS = 10
PROPOSE = "Propose it with 'handrail approvals rules propose'."


class RuleChanges:
    """Keeps what rules, takes proposals and decisions about them."""

    def __init__(  # noqa: PLR0913 - what rules are made of
        self,
        records: RuleRecords,
        files: Callable[[], RuleSet],
        read: Callable[[RuleSet], Readable],
        clock: Clock,
        user: str,
        signatures: Signatures,
    ) -> None:
        """Compare with the files as `files` returns them now; `read` says what texts mean.

        `user` is the user of the machine, who is named where nobody decided. `clock` gives system time.
        """
        self.signatures = signatures
        self._records, self._files, self._read = records, files, read
        self.views = RuleViews(records, read)
        self._clock, self._user = clock, user
        self._names_somebody: int | None = None

    def start(self) -> tuple[str, ...]:
        """Bring the files into force at the first start, and return a sentence for each file that only proposes.

        Raises:
            Misconfigured: there are no rules yet, and the files cannot be used.
            LogMismatch: what is stored is not what was logged.
        """
        if self._records.in_force() is None:
            files = self._files()
            self._read(files).check()
            self._take(files, Way.FIRST, "what the files said at the first start")
        return self.look()

    def look(self) -> tuple[str, ...]:
        """Return a sentence for each file that says something else than what rules, or cannot be read.

        While the rules in force name no person, nobody can be asked: then the files come into force by this look, but
        for policies that are gone.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """
        now = self.views.in_force()
        try:
            files = self._files()
            changed = files.differing(now.rules)
            if changed:
                self._read(files).check()
        except Misconfigured as err:
            return (f"{err} What was in force before is in force.",)
        if changed and not self._read(now.rules).directory().persons:
            taken = files.keeping(now.rules)
            if taken.differing(now.rules):
                self._take(taken, Way.NOBODY, "the rules in force named no person who could have been asked")
            changed = files.differing(self.views.in_force().rules)
        return tuple(_differs(name, files) for name in changed)

    def count_files(self) -> None:
        """Bring the files into force while what is in force names no person; for each call that asks for persons.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """
        now = self.views.in_force()
        if now.number == self._names_somebody:
            return
        if self._read(now.rules).directory().persons:
            self._names_somebody = now.number
        else:
            self.look()

    def all_in_force(self) -> Sequence[RulesInForce]:
        """Return everything that ever ruled, oldest first."""
        return self._records.all_in_force()

    def take(self, reason: str) -> RulesInForce:
        """Bring the files into force without asking anybody. The log keeps that it was done, by whom and why.

        It is for whoever runs the machine, where those who would have to be asked are gone.

        Raises:
            Misconfigured: the files cannot be used.
            Refused: they say what is in force.
            Unavailable: others bring rules into force at the same time.
        """
        reason = plain_text("reason", reason)
        files = self._files()
        self._read(files).check()
        for _ in range(ATTEMPTS):
            now = self._records.in_force()
            if now and not files.differing(now.rules):
                raise Refused("Taking the files", ("They say what is in force already.",))
            try:
                return self._take(files, Way.OWNER if now else Way.FIRST, reason)
            except MovedMeanwhile:
                continue
        raise Unavailable("The rules", "others bring rules into force at every try", "Repeat it in a moment.")

    def propose(self, account: str, reason: str) -> ChangeView:
        """Open a change from what rules to what the files say now; the same again returns the same change.

        Raises:
            NotEligible: the account belongs to nobody.
            Misconfigured: the files cannot be used.
            Refused: they say what is in force.
        """
        reason = plain_text("reason", reason)
        now = self.views.in_force()
        if not self._read(now.rules).directory().answerable(account):
            problem = f"The account {account!r} belongs to nobody in the roles that are in force."
            raise NotEligible(account, "the rules", problem)
        files = self._files()
        self._read(files).check()
        base = now.rules.digest
        if files.digest == base:
            raise Refused("Proposing the files", ("They say what is in force already.",))
        known = [
            history
            for history in self._records.changes()
            if (history.change.base, history.change.rules.digest) == (base, files.digest)
        ]
        views = [self.views.view(history) for history in known]
        again = next((view for view in views if view.state is ChangeState.PENDING), None)
        if again:
            return again
        change = RuleChange(base, files, account, reason, self._clock(), len(known))
        return self.views.view(self._records.open(change))

    def why_not(self, change_id: str, account: str) -> str:
        """Return why an account may not decide about a change now, an empty text if it may.

        Raises:
            UnknownReference: there is no such change.
        """
        view = self.views.change(change_id)
        if view.state is not ChangeState.PENDING:
            return f"The change is {view.state}."
        ruling = self.views.ruling_over(view.history, self.views.in_force())
        if ruling.wants_signatures(view.files):
            return f"Each decision is signed with a key: 'handrail approvals rules decide {change_id} --sign KEY'."
        return why_not_deciding(account, view.history.change.proposer, view.quorum, ruling) or ""

    def decide(
        self, change_id: str, account: str, choice: Choice, reason: str, *, signature: PersonSignature | None = None
    ) -> ChangeView:
        """Take a decision; the one that completes the quorum brings the rules into force before this returns.

        Deciding the same again changes nothing. An approval can be withdrawn by a rejection, which is final. A
        `signature` is under the digest of the proposed rules as the facts that were shown.

        Raises:
            UnknownReference: there is no such change.
            NotEligible: this account may not decide here.
            Closed: it is rejected, in force or void.
            NotSigned: a policy asks for a signature, or the one that came does not hold; nothing was stored.
            MovedMeanwhile: others decide at the same time; repeat it.
        """
        reason = plain_text("reason", reason)
        for _ in range(ATTEMPTS):
            try:
                return self.views.view(self._decide_once(change_id, Said(account, choice, reason, None, signature)))
            except MovedMeanwhile:
                continue
        raise MovedMeanwhile(change_id)

    def _decide_once(self, change_id: str, said: Said) -> ChangeHistory:
        history = self._records.load(change_id)
        now = self.views.in_force()
        view = self.views.view(history)
        ruling = self.views.ruling_over(history, now)
        refusal = why_not_deciding(said.account, history.change.proposer, view.quorum, ruling)
        person = ruling.directory.person_behind(said.account)
        if refusal or person is None:
            raise NotEligible(said.account, change_id, refusal or "")
        mine = next((decision for decision in history.decisions if decision.person == person.name), None)
        if mine and mine.choice is said.choice:
            return history
        if view.state is not ChangeState.PENDING:
            raise Closed(change_id, str(view.state), view.reasons)
        seen = history.change.rules.digest if said.signature else None
        decision = replace(said, seen=seen).by(person.name, self._clock())
        matter = change_as_matter(history, ruling.wants_signatures(view.files))
        self.signatures.require(decision, matter, ruling.directory, decision.at)
        state, _ = judge_change(history.then(decision), view.files, ruling)
        adopted = None
        if state is ChangeState.IN_FORCE:
            change = history.change
            self._read(change.rules).check()
            adopted = RulesInForce(
                now.number + 1, change.rules, Way.DECIDED, decision.at, change.proposer, change.reason, change_id
            )
        return self._records.append(history, decision, adopted)

    def _take(self, rules: RuleSet, way: Way, reason: str) -> RulesInForce:
        now = self._records.in_force()
        taken = RulesInForce(now.number + 1 if now else 0, rules, way, self._clock(), self._user, reason)
        self._records.take(taken)
        return taken


def _differs(name: str, files: RuleSet) -> str:
    if name not in files.texts:
        kind = "protects what it protected" if name.startswith(POLICIES) else "is in force"
        return f"config/{name} is gone, and what it said {kind}. {PROPOSE}"
    return f"config/{name} is not in force: it only proposes something else than what is. {PROPOSE}"
