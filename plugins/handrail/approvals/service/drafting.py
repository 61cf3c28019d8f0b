"""Drafts the permit of an approved request: whoever has the same ledger, policies and roles drafts the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import History
from handrail.approvals.domain.judging import Judgement, Verdict, judge, measured
from handrail.approvals.domain.permit import Envelope, Permit, make_statement
from handrail.approvals.domain.short_requests import terms_for
from handrail.approvals.domain.subject import Subject
from handrail.approvals.ports import RequestIndex, RuleBook


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that is not signed, and the judgement that it rests on."""

    statement: dict[str, Any]
    judgement: Judgement
    counter: int

    @property
    def is_allowed(self) -> bool:
        """Whether the policy is met, so that the statement may be signed."""
        return self.judgement.verdict is Verdict.APPROVED


def draft_permit(history: History, at: datetime, index: RequestIndex, rules: RuleBook, environment: str) -> Draft:
    """Draft the permit of a request at a moment; `environment` is where it allows serving, unless the policy says so.

    Raises:
        UnknownReference: there is no policy for the alias.
        Misconfigured: the policy or the roles cannot be used.
    """
    subject = history.request.subject
    policy = rules.policy(subject.model, subject.alias, prompt=subject.prompt)
    judgement = judge(history, policy, rules.directory())
    counter = next_counter(index, subject)
    terms = terms_for(subject, policy, policy.permits.terms(at, environment, counter), at)
    statement = make_statement(history.request, judgement, at.isoformat(), terms, measured(history, policy))
    return Draft(statement, judgement, counter)


def next_counter(index: RequestIndex, subject: Subject) -> int:
    """Return one more than the newest permit of the alias has; a permit of release 0.1.0 counts as none."""
    newest = index.permit(subject.server, subject.model, subject.alias)
    if newest is None:
        return 1
    terms = Permit.from_payload(Envelope.from_json(newest).payload).terms
    return terms.counter + 1 if terms else 1
