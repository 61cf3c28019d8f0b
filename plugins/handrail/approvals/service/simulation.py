"""What a changed policy would have said about the requests that there were. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from handrail.approvals.domain.events import History, MoveAbandoned, MoveDone, MoveIntended, Published, Voided
from handrail.approvals.domain.judging import Verdict, judge
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.ports import RuleBook

OUTCOMES = (MoveIntended, MoveDone, MoveAbandoned, Published, Voided)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A request with its verdict so far, and the one that another policy gives for the same evidence and decisions."""

    request_id: str
    label: str
    before: Verdict
    after: Verdict
    reasons: tuple[str, ...]


def simulate(histories: Iterable[History], now: RuleBook, then: RuleBook) -> Sequence[Simulated]:
    """Judge each request by both, on the evidence and the decisions that it had; what became of it does not count.

    Raises:
        UnknownReference: one of the two has no policy for it.
        Misconfigured: one of the two cannot be used.
    """
    return [_simulated(history, now, then) for history in histories]


def _simulated(history: History, now: RuleBook, then: RuleBook) -> Simulated:
    request = history.request
    subject = request.subject
    policies = (rules.policy(subject.model, subject.alias, prompt=subject.prompt) for rules in (now, then))
    before, after = (
        _judged(history, policy, rules.directory()) for policy, rules in zip(policies, (now, then), strict=True)
    )
    return Simulated(request.request_id, request.label, before[0], after[0], after[1])


def _judged(history: History, policy: Policy, directory: Directory) -> tuple[Verdict, tuple[str, ...]]:
    subject = replace(history.request.subject, policy_digest=policy.digest)
    events = tuple(event for event in history.events if not isinstance(event, OUTCOMES))
    judgement = judge(
        replace(history, request=replace(history.request, subject=subject), events=events), policy, directory
    )
    return judgement.verdict, judgement.reasons
