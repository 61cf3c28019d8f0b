"""Refusing those who may not ask for a promotion or decide about one, before any work is done for them."""

from __future__ import annotations

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.judging import why_not_now
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.policy import Policy, why_no_request, why_not_eligible
from handrail.approvals.domain.prompts import why_no_prompt
from handrail.approvals.domain.short_requests import policy_for, why_no_breaking
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.ports import RuleBook
from handrail.approvals.service.asking import Opening
from handrail.errors import Refused

OWN_RIGHTS = (Purpose.BREAK_GLASS, Purpose.CONFIRMATION, Purpose.REVERT)
"""What a policy names roles for beside those that ask, or what the gate asks for by itself."""


def policy_of(rules: RuleBook, history: History) -> Policy:
    """Return the policy of a request, with the roles that decide about it."""
    subject = history.request.subject
    return policy_for(subject, rules.policy(subject.model, subject.alias, prompt=subject.prompt))


def policy_for_request(rules: RuleBook, opening: Opening, account: str, *, prompt: bool) -> Policy:
    """Return the policy of what is asked for, a model or a prompt, to an account that it lets ask for promotions.

    Raises:
        UnknownReference: there is none.
        Misconfigured: policy or roles cannot be used.
        Refused: the account may not ask, and the reason names the roles that may; or the policy asks of a prompt what
            no prompt has.
    """
    policy = rules.policy(opening.model, folded(opening.alias), prompt=prompt)
    if opening.purpose in OWN_RIGHTS:
        return policy
    reasons: tuple[str, ...] = ()
    if refusal := why_no_request(account, rules.directory(), policy):
        reasons = (refusal,)
    elif prompt and not opening.is_short:
        reasons = why_no_prompt(policy, opening.snapshot)
    if reasons:
        raise Refused(f"A request of {account!r} for {opening.alias!r} of {opening.model!r}", reasons)
    return policy


def eligible(rules: RuleBook, history: History, account: str) -> str:
    """Return the name of the person behind an account that may decide about the request in some way.

    Raises:
        NotEligible: it may not.
        UnknownReference: the request's alias has no policy any more.
        Misconfigured: policy or roles cannot be used.
    """
    request = history.request
    policy, directory = policy_of(rules, history), rules.directory()
    person = directory.person_behind(account)
    if request.subject.purpose is Purpose.REVERT:
        refusal: str | None = "The gate decides about this by itself."
    elif request.subject.purpose is Purpose.BREAK_GLASS and account == request.requester:
        refusal = why_no_breaking(account, directory, policy, request.authors)
    else:
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
    if request.subject.purpose is Purpose.BREAK_GLASS and choice is Choice.APPROVE:
        return
    policy, directory = policy_of(rules, history), rules.directory()
    person = directory.person_behind(account)
    refusal = why_not_now(person, choice, history, policy, directory) if person else "Nobody is behind the account."
    if refusal:
        raise NotEligible(account, request.request_id, refusal)
