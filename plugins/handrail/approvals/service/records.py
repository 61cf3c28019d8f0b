"""Reading what was asked and decided; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import History, Rejection
from handrail.approvals.domain.findings import Finding, findings_in
from handrail.approvals.domain.judging import Verdict, judge, judge_without_policy, measured
from handrail.approvals.domain.pages import Listing
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Ledger, RequestIndex, RuleBook
from handrail.approvals.service.findings import why_shut
from handrail.approvals.service.paging import EVERYTHING, PAGE, Wanted, all_pages
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.row_custody import RowCustody
from handrail.approvals.service.rules_once import RulesOnce
from handrail.approvals.service.simulation import Simulated, simulate
from handrail.approvals.service.tenures import Tenure, tenure_at, tenures
from handrail.errors import Misconfigured, UnknownReference
from handrail.refs import Use


class Approvals:
    """What was asked, decided and permitted."""

    def __init__(
        self,
        ledger: Ledger,
        index: RequestIndex,
        rules: RuleBook,
        findings: FindingBook,
        custody: RowCustody | None = None,
    ) -> None:
        """Read from a ledger, and judge by the rules as they stand; with `custody` say what a measurement waits for."""
        self._ledger = ledger
        self._index = index
        self._rules = rules
        self._findings = findings
        self._custody = custody

    def request(self, request_id: str) -> RequestView:
        """Return a request and where it stands.

        Raises:
            UnknownReference: there is none.
        """
        return self.view(self._ledger.load(request_id))

    def requests(self, alias: str | None = None, *, only_open: bool = False) -> Sequence[RequestView]:
        """Return requests, oldest first."""
        return all_pages(lambda after, most: self.page(after, most, Wanted(alias, only_open)))

    def page(self, after: int, most: int, wanted: Wanted = EVERYTHING) -> tuple[Sequence[RequestView], int | None]:
        """Look at no more than `most` requests after a number; return those that match, and the number to go on after.

        The number is None at the end. A page may be empty before that. What may not be read is not judged either.
        """
        page = self._index.page(after, most, wanted.listing)
        views = self.views([each for each in page.histories if wanted.reads(each.request.subject.model)])
        return [view for view in views if view.is_open or not wanted.only_open], page.after

    def evidence(self, request_id: str) -> dict[str, Any]:
        """Return the evidence that a request was opened with, by name."""
        return dict(self._ledger.load(request_id).request.evidence)

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether an alias of a model, or of a prompt, has a policy, however it is spelt."""
        return self._rules.protected(model, alias, prompt=prompt)

    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Return the roles of each person as they stand now.

        Raises:
            Misconfigured: the roles cannot be used.
        """
        return {person.name: tuple(sorted(person.roles)) for person in self._rules.directory().persons}

    def person(self, account: str) -> str | None:
        """Return the person behind an account as the roles stand now, None if nobody is.

        Raises:
            Misconfigured: the roles cannot be used.
        """
        found = self._rules.directory().person_behind(account)
        return found.name if found else None

    def at(self, model: str, alias: str, moment: datetime) -> Tenure:
        """Return what the gate had last moved an alias to by then, as it was logged.

        Raises:
            UnknownReference: it had not moved it yet.
            LogMismatch: what is stored about it is not what was logged.
        """
        tenure = tenure_at(self.moves(model, alias), f"{model}@{alias}", moment)
        self._ledger.load(tenure.history.request.request_id)
        return tenure

    def aliases(self) -> Sequence[Promoted]:
        """Return the newest promotion of each alias of each model."""
        return self._index.promoted()

    def moves(self, model: str, alias: str) -> Sequence[Tenure]:
        """Return every version that the gate has moved an alias to, oldest first."""
        found: list[History] = []
        after: int | None = 0
        while after is not None:
            page = self._index.page(after, PAGE, Listing(alias, only_promoted=True))
            found, after = [*found, *page.histories], page.after
        return tenures(found, model, alias)

    def permit(self, use: Use, tree_digest: str | None = None) -> str:
        """Return the newest permit for a use as DSSE envelope JSON; for this tree, if one is named.

        Raises:
            UnknownReference: no promotion allowed this; the sentence says both uses if another one was allowed.
        """
        envelope = self._index.permit(use.server, use.model, use.alias, tree_digest)
        what = f"for {use}" + (f" of {tree_digest}" if tree_digest else "")
        if envelope is None:
            raise UnknownReference("permit", what, "Have these bytes promoted for this use first.")
        allowed = Permit.from_payload(Envelope.from_json(envelope).payload).use
        if allowed.environment not in ("", use.environment):
            raise UnknownReference("permit", what, f"The newest one allows {allowed}.")
        return envelope

    def simulate(self, alias: str, other: RuleBook) -> Sequence[Simulated]:
        """Judge each request about an alias by other rules, on the evidence and the decisions that it had."""
        return simulate(self._index.find(alias=alias), self._rules, other)

    def model_of(self, request_id: str) -> str:
        """Return the model that a request is about.

        Raises:
            UnknownReference: there is no such request.
        """
        return self._ledger.load(request_id).request.subject.model

    def view(self, history: History) -> RequestView:
        """Judge a history by the policy and the roles as they stand now; without a policy it can be looked at only."""
        return self.views([history])[0]

    def views(self, histories: Sequence[History]) -> list[RequestView]:
        """Judge histories as `view` does."""
        trees = {history.request.subject.tree_digest for history in histories}
        rejections = self._index.rejections(trees)
        models = {history.request.subject.model for history in histories}
        findings = {model: findings_in(self._findings.events(model)) for model in models}
        rules = RulesOnce(self._rules)
        return [self._view(each, rules, rejections, findings[each.request.subject.model]) for each in histories]

    def _view(
        self, history: History, rules: RuleBook, rejections: Sequence[Rejection], about: Sequence[Finding]
    ) -> RequestView:
        request, subject = history.request, history.request.subject
        mine = tuple(
            rejection
            for rejection in rejections
            if rejection.tree_digest == request.subject.tree_digest and rejection.request_id != request.request_id
        )
        findings = _findings_about(request, about)
        try:
            policy = rules.policy(subject.model, subject.alias, prompt=subject.prompt)
            judgement = judge(history, policy, rules.directory()).held_back(why_shut(findings, subject))
        except (UnknownReference, Misconfigured) as err:
            verdict = Verdict.PENDING if isinstance(err, Misconfigured) else Verdict.REFUSED
            judgement = judge_without_policy(history, verdict, str(err))
            return RequestView(history, judgement, rejections=mine, findings=findings)
        waits = self._waits(request) if judgement.verdict is Verdict.EVALUATING else None
        if waits:
            judgement = replace(judgement, reasons=(waits,))
        found = measured(history, policy)
        return RequestView(history, judgement, measures=found, rejections=mine, findings=findings, waits=waits)

    def _waits(self, request: PromotionRequest) -> str | None:
        return self._custody.why_waiting(request) if self._custody else None


def _findings_about(request: PromotionRequest, found: Sequence[Finding]) -> tuple[Finding, ...]:
    about = (each for each in found if each.concerns(request.subject))
    return tuple(each for each in about if each.closed is None or each.closed.at >= request.opened_at)
