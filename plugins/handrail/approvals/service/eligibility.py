"""Refusing those who may not ask for a promotion or decide about one, before any work is done for them."""

from __future__ import annotations

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.judging import why_not_now
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.policy import Policy, why_no_request, why_not_eligible
from handrail.approvals.ports import RuleBook
from handrail.approvals.service.asking import Opening
from handrail.errors import Refused


def policy_for_request(rules: RuleBook, opening: Opening, account: str) -> Policy:
    """Return the policy of what is asked for, to an account that it lets ask for promotions.

    Raises:
        UnknownReference: there is none.
        Misconfigured: policy or roles cannot be used.
        Refused: the account may not ask; the reason names the roles that may.
    """
    policy = rules.policy(opening.model, folded(opening.alias))
    if refusal := why_no_request(account, rules.directory(), policy):
        raise Refused(f"A request of {account!r} for {opening.alias!r} of {opening.model!r}", (refusal,))
    return policy


def eligible(rules: RuleBook, history: History, account: str) -> str:
    """Return the name of the person behind an account that may decide about the request in some way.

    Raises:
        NotEligible: it may not.
        UnknownReference: the request's alias has no policy any more.
        Misconfigured: policy or roles cannot be used.
    """
    request = history.request
    policy, directory = rules.policy(request.subject.model, request.subject.alias), rules.directory()
    person = directory.person_behind(account)
    refusal = why_not_eligible(account, directory, policy, request.authors, request.requester)
    if refusal or person is None:
        raise NotEligible(account, request.request_id, refusal or "")
    return person.name


def refuse_answer(rules: RuleBook, history: History, account: str, choice: Choice) -> None:
    """Refuse an answer that an eligible account may not give, or not at this moment.

    Raises:
        NotEligible: with the roles that may, or the step that comes first.
    """
    request = history.request
    policy, directory = rules.policy(request.subject.model, request.subject.alias), rules.directory()
    person = directory.person_behind(account)
    refusal = why_not_now(person, choice, history, policy, directory) if person else "Nobody is behind the account."
    if refusal:
        raise NotEligible(account, request.request_id, refusal)
