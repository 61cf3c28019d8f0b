"""The verdict on a promotion request: what follows from its history, the policy and the roles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.formats import refused_formats
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import Measured, Policy, measure_rules, missing_roles, why_not_eligible
from handrail.approvals.domain.subject import PromotionRequest


class Verdict(StrEnum):
    """The state of a request."""

    REFUSED = "refused"
    VOID = "void"
    REJECTED = "rejected"
    EVALUATING = "evaluating"
    PENDING = "pending"
    APPROVED = "approved"
    PROMOTED = "promoted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and whose approvals count."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    approvers: tuple[Decided, ...] = ()


def judge(history: History, policy: Policy, directory: Directory) -> Judgement:
    """Judge a request by this policy with these roles. What is not clearly allowed is refused."""
    if ended := _ended(history):
        return ended
    subject = history.request.subject
    if refused := refused_formats(history.request.formats or {}, policy.permits.formats):
        return Judgement(Verdict.REFUSED, refused)
    if subject.adopts:
        return _judge_adoption(history, policy, directory)
    if history.awaits_evaluation:
        return Judgement(Verdict.EVALUATING, (f"It is being evaluated on {subject.snapshot}; look again in a moment.",))
    failures = _failures(history, policy, directory)
    if failures:
        return Judgement(Verdict.REFUSED, failures)
    return _judge_quorum(history, policy, directory)


def _failures(history: History, policy: Policy, directory: Directory) -> tuple[str, ...]:
    subject = history.request.subject
    failures = _unknown_makers(history.request, directory) + _unmeasured(history)
    failures += tuple(one.failure for one in measured(history, policy) if one.failure)
    if policy.digest != subject.policy_digest or policy.alias != subject.alias:
        failures += ("The request was opened under another policy.",)
    return failures


def judge_without_policy(history: History, verdict: Verdict, why: str) -> Judgement:
    """Judge what has ended as it ended, and give the rest this verdict: nothing can be allowed."""
    return _ended(history) or Judgement(verdict, (why,))


def _ended(history: History) -> Judgement | None:
    if history.done:
        return Judgement(Verdict.PROMOTED, approvers=_approvals(history))
    if history.voided:
        return Judgement(Verdict.VOID, history.voided.reasons)
    rejections = tuple(
        f"{decision.person} rejected it: {decision.reason}"
        for decision in history.decisions
        if decision.choice is Choice.REJECT
    )
    return Judgement(Verdict.REJECTED, rejections) if rejections else None


def _judge_adoption(history: History, policy: Policy, directory: Directory) -> Judgement:
    """Ask for the quorum alone: what was there before the gate has no evidence, and not every maker is known."""
    requester = history.request.requester
    if not directory.answerable(requester):
        unknown = (
            f"The account {requester!r} asked for this and belongs to nobody in config/roles.yaml; name its person."
        )
        return Judgement(Verdict.REFUSED, (unknown,))
    if policy.digest != history.request.subject.policy_digest:
        return Judgement(Verdict.REFUSED, ("The request was opened under another policy.",))
    return _judge_quorum(history, policy, directory)


def measured(history: History, policy: Policy) -> tuple[Measured, ...]:
    """Return each rule of the policy that counts for the request, with what is known of its measure."""
    return measure_rules(
        policy,
        history.evidence,
        replacing=history.request.subject.incumbent is not None,
        incumbent_tree=history.request.incumbent_tree,
    )


def _unmeasured(history: History) -> tuple[str, ...]:
    problem = history.evaluated.problem if history.evaluated else None
    return (problem,) if problem else ()


def _judge_quorum(history: History, policy: Policy, directory: Directory) -> Judgement:
    counted = [
        (decision, person)
        for decision in _approvals(history)
        if (person := _voter(decision, history, policy, directory))
    ]
    missing = missing_roles(policy.quorum, [person for _, person in counted])
    approvers = tuple(decision for decision, _ in counted)
    if not missing:
        return Judgement(Verdict.APPROVED, approvers=approvers)
    reasons = tuple(f"It still needs the approval of {count} {role}." for role, count in sorted(missing.items()))
    return Judgement(Verdict.PENDING, reasons, approvers)


def _approvals(history: History) -> tuple[Decided, ...]:
    return tuple(decision for decision in history.decisions if decision.choice is Choice.APPROVE)


def _voter(decision: Decided, history: History, policy: Policy, directory: Directory) -> Person | None:
    person = directory.person_behind(decision.account)
    if person is None or person.name != decision.person:
        return None
    request = history.request
    refusal = why_not_eligible(decision.account, directory, policy, request.authors, request.requester)
    return None if refusal else person


def _unknown_makers(request: PromotionRequest, directory: Directory) -> tuple[str, ...]:
    if not request.authors:
        return (
            f"Nobody is recorded as the author of version {request.subject.version}, as of everything that was made "
            "before the gate; register its files as a new version on this server.",
        )
    if request.unrecorded:
        parts = ", ".join(request.unrecorded)
        return (f"Nobody is recorded as the maker of {parts}; log the model again to this server and register that.",)
    unknown = [account for account in (*request.authors, request.requester) if not directory.answerable(account)]
    return tuple(
        f"The account {account!r} made or asked for this and belongs to nobody in config/roles.yaml; name its person."
        for account in dict.fromkeys(unknown)
    )
