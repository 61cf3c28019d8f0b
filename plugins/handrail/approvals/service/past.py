"""Requests as they were at an earlier moment, by the rules that were in force then. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handrail.approvals.domain.events import Decided, History, Rejection
from handrail.approvals.domain.findings import Finding, as_of
from handrail.approvals.domain.judging import Verdict, judge, judge_without_policy, measured
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Ledger, RequestIndex, RuleBook
from handrail.approvals.service.findings import shutting, why_shut
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.reviewers import Reviewing
from handrail.errors import Misconfigured, UnknownReference

JUST_BEFORE = timedelta(microseconds=1)
"""How long before a decision its person is taken to have looked: decisions are about the facts without them."""


@dataclass(frozen=True, slots=True)
class PastView:
    """A request at a moment, with who could decide then.

    `about` are the decisions that carry the digest of exactly these facts; `made` is the one that was made just after
    the moment, None if there is none.
    """

    view: RequestView
    reviewing: Reviewing
    about: tuple[Decided, ...]
    made: Decided | None


@dataclass(frozen=True, slots=True)
class Past:
    """Looks at requests at earlier moments; `rules_at` returns the rules that were in force at one."""

    ledger: Ledger
    index: RequestIndex
    findings: FindingBook
    rules_at: Callable[[datetime], RuleBook]

    def request(self, request_id: str, moment: datetime) -> PastView:
        """Return a request as the ledger says that it was at a moment.

        Whether something that it binds had changed by then shows once that was recorded.

        Raises:
            UnknownReference: there is no such request, or it was opened later.
            LogMismatch: what is stored about it is not what was logged.
        """
        whole = self.ledger.load(request_id)
        opened_at = whole.request.opened_at
        if moment < opened_at:
            was = f"It was opened at {opened_at.isoformat()}; ask for a moment from then on."
            raise UnknownReference("request", f"{request_id} at {moment.isoformat()}", was)
        rules = self.rules_at(moment)
        history = replace(whole, events=tuple(event for event in whole.events if event.at <= moment))
        view = _judged(history, rules, self._findings(history, moment), self._rejections(history, moment))
        about = tuple(each for each in whole.said if each.seen is not None and each.seen == view.seen)
        made = (each for each in whole.said if moment < each.at <= moment + JUST_BEFORE)
        return PastView(view, Reviewing(rules), about, next(made, None))

    def _findings(self, history: History, moment: datetime) -> tuple[Finding, ...]:
        request = history.request
        found = as_of(shutting(self.findings, request.subject), moment)
        return tuple(each for each in found if each.closed is None or each.closed.at >= request.opened_at)

    def _rejections(self, history: History, moment: datetime) -> tuple[Rejection, ...]:
        request = history.request
        found = self.index.rejections({request.subject.tree_digest})
        return tuple(each for each in found if each.request_id != request.request_id and each.at <= moment)


def _judged(
    history: History, rules: RuleBook, findings: tuple[Finding, ...], rejections: tuple[Rejection, ...]
) -> RequestView:
    subject = history.request.subject
    try:
        policy = rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        judgement = judge(history, policy, rules.directory()).held_back(why_shut(findings, subject))
    except (UnknownReference, Misconfigured) as err:
        judgement = judge_without_policy(history, Verdict.PENDING, str(err))
        return RequestView(history, judgement, rejections=rejections, findings=findings)
    found = measured(history, policy)
    return RequestView(history, judgement, measures=found, rejections=rejections, findings=findings)
