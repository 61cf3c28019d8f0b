"""Whether labelled rows may be measured on: where the project wants a second person for them, one has to confirm."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.custody_ports import PredictionBook, SnapshotBook
from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.evaluation import EvaluationPlan
from handrail.approvals.domain.possible import CLOCKS_APART
from handrail.approvals.domain.predictions import CommittedFile, Foretold
from handrail.approvals.domain.row_custody import CustodyRule, RowsConfirmed, waiting_sentence
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.evidence_ports import EvaluationPlans, Snapshots
from handrail.approvals.ports import RuleBook
from handrail.clock import Clock
from handrail.errors import HandrailError, Refused, UnknownReference

REMEDY = "Hand it in first: POST /handrail/api/v1/snapshots."


@dataclass(frozen=True, slots=True)
class RowCustody:
    """Judges by the plans and roles in force; what was confirmed is in the book."""

    snapshots: Snapshots
    book: SnapshotBook
    predictions: PredictionBook
    plans: EvaluationPlans
    rules: RuleBook
    clock: Clock

    def roles(self, model: str) -> frozenset[str]:
        """Return the roles that confirm rows for a model; none if nobody has to, or its plan cannot be read."""
        try:
            return frozenset(self.plans.plan(model).custody)
        except HandrailError:
            # What keeps the plan from being read keeps the gate from measuring too, with its own sentence.
            return frozenset()

    def confirmed(self, request: PromotionRequest) -> tuple[str, ...] | None:
        """Return who confirmed the rows of a request and counts for it; None if nobody has to.

        Raises:
            LogMismatch: what is stored about it is not what was logged.
        """
        model, digest = request.subject.model, str(request.subject.snapshot)
        if not self.roles(model):
            return None
        said = (each for each in self.book.confirmations(digest) if each.model == model)
        return self._rule(request).counted(said, self.rules.directory())

    def why_waiting(self, request: PromotionRequest) -> str | None:
        """Return for whose confirmation the rows of a request wait, None if they may be measured on."""
        digest = request.subject.snapshot
        if digest is None or self.confirmed(request) != ():
            return None
        custodians = self.snapshots.custodians(digest)
        return waiting_sentence(digest, custodians, self._rule(request), self.rules.directory())

    def foretold(self, plan: EvaluationPlan, tree_digest: str, snapshot: str) -> Foretold | None:
        """Return what was foretold with a tree before a snapshot came; None if the plan does not ask for it.

        Raises:
            UnknownReference: nobody handed the snapshot in, or the bytes of a file are gone.
            LogMismatch: what is stored is not what was logged.
        """
        if plan.prospective is None:
            return None
        came = [each.at for each in self.book.handed_in() if each.digest == snapshot]
        if not came:
            raise UnknownReference("snapshot", snapshot, REMEDY, field="snapshot")
        known = (each for each in self.predictions.committed(tree_digest) if each.at < min(came))
        files = (CommittedFile(self.predictions.path(each.digest), each.digest, each.at) for each in known)
        return Foretold(tuple(files), min(came))

    def confirmation(self, model: str, digest: str, account: str) -> RowsConfirmed:
        """Return the confirmation that an account gives, which may be stored.

        Raises:
            UnknownReference: nobody handed it in for this model.
            NotEligible: the account may not confirm it.
        """
        person = self.rules.directory().person_behind(account)
        given = RowsConfirmed(digest, model, account, person.name if person else "", self.clock())
        self.require(given)
        return given

    def require(self, given: RowsConfirmed) -> None:
        """Check that a confirmation can have been given, whoever says so.

        Raises:
            UnknownReference, NotEligible: as `confirmation`.
            Refused: it names another person, or another moment than now.
        """
        if given.digest not in {each.digest for each in self.book.handed_in(given.model)}:
            raise UnknownReference("snapshot", given.digest, REMEDY, field="snapshot")
        roles = self.roles(given.model)
        if not roles:
            reason = (
                f"config/evaluation.yaml names no 'custody' for {given.model!r}, so nobody has to confirm its rows."
            )
            raise NotEligible(given.account, given.digest, reason)
        directory = self.rules.directory()
        rule = CustodyRule(roles, frozenset(self.snapshots.custodians(given.digest)))
        if refusal := rule.why_not(given.account, directory):
            raise NotEligible(given.account, given.digest, refusal)
        person = directory.person_behind(given.account)
        if person is None or person.name != given.person or abs(given.at - self.clock()) > CLOCKS_APART:
            reason = "It names another person than the account's, or another moment than now."
            raise Refused(f"Storing the confirmation of {given.digest}", (reason,))

    def _rule(self, request: PromotionRequest) -> CustodyRule:
        custodians = self.snapshots.custodians(str(request.subject.snapshot))
        return CustodyRule(
            self.roles(request.subject.model), frozenset({*request.authors, request.requester, *custodians})
        )
