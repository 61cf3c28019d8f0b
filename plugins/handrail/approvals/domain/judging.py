"""The verdict on a promotion request: what follows from its history, the policy and the roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.formats import refused_formats
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import (
    Measured,
    Policy,
    measure_rules,
    why_no_request,
    why_not_eligible,
    without_role,
)
from handrail.approvals.domain.questions import waits_for_answers
from handrail.approvals.domain.quorum import Progress, advance
from handrail.approvals.domain.requirements import LINEAGE_GAPS
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.short_requests import NEEDED, broken_by, carried, is_signed, policy_for, why_no_breaking
from handrail.approvals.domain.subject import PromotionRequest, Purpose


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

    def held_back(self, reasons: tuple[str, ...]) -> Judgement:
        """Return the judgement, pending for these reasons too if it could be approved."""
        if not reasons or self.verdict not in (Verdict.PENDING, Verdict.APPROVED):
            return self
        return replace(self, verdict=Verdict.PENDING, reasons=(*self.reasons, *reasons))


def judge(history: History, policy: Policy, directory: Directory) -> Judgement:
    """Judge a request by this policy with these roles. What is not clearly allowed is refused."""
    if ended := _ended(history):
        return ended
    subject = history.request.subject
    if refused := refused_formats(history.request.formats or {}, policy.permits.formats):
        return Judgement(Verdict.REFUSED, refused)
    if subject.purpose is not None:
        return _judge_short(history, policy, directory)
    if subject.adopts:
        return _judge_adoption(history, policy, directory)
    if history.awaits_evaluation:
        return Judgement(Verdict.EVALUATING, (f"It is being evaluated on {subject.snapshot}; look again in a moment.",))
    failures = _failures(history, policy, directory)
    if failures:
        return Judgement(Verdict.REFUSED, failures)
    return _judge_quorum(history, policy, directory).held_back(waits_for_answers(history))


def _failures(history: History, policy: Policy, directory: Directory) -> tuple[str, ...]:
    subject = history.request.subject
    failures = _unknown_makers(history.request, directory) + _unmeasured(history)
    if refusal := why_no_request(history.request.requester, directory, policy):
        failures += (refusal,)
    found = measured(history, policy)
    failures += tuple(one.failure for one in found if one.failure) + _missing_lineage(history.request, found)
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
    if refusal := why_no_request(requester, directory, policy):
        return Judgement(Verdict.REFUSED, (refusal,))
    if policy.digest != history.request.subject.policy_digest:
        return Judgement(Verdict.REFUSED, ("The request was opened under another policy.",))
    return _judge_quorum(history, policy, directory).held_back(waits_for_answers(history))


def _judge_short(history: History, policy: Policy, directory: Directory) -> Judgement:
    """Ask for what a short way needs; quality was judged before, or is for those who confirm to look at."""
    request, subject = history.request, history.request.subject
    if policy.digest != subject.policy_digest:
        return Judgement(Verdict.REFUSED, ("The request was opened under another policy.",))
    if subject.purpose is Purpose.REVERT:
        return _judged_short(carried(history), 1, "It waits for the gate itself.")
    if subject.purpose is Purpose.BREAK_GLASS:
        refusal = why_no_breaking(request.requester, directory, policy, request.authors)
        refusals = _unknown_makers(request, directory) + ((refusal,) if refusal else ())
        if refusals:
            return Judgement(Verdict.REFUSED, refusals)
        return _judged_short(
            broken_by(history, directory, policy), 1, f"It waits for {request.requester!r} to break the glass."
        )
    if not directory.answerable(request.requester):
        unknown = f"The account {request.requester!r} asked for this and belongs to nobody in config/roles.yaml."
        return Judgement(Verdict.REFUSED, (unknown,))
    short, needed = policy_for(subject, policy), NEEDED[subject.purpose or Purpose.CONFIRMATION]
    counted = {person.name for person in _voters(history, short, directory) if person.roles & short.deciders}
    approvers = tuple(decision for decision in _approvals(history) if decision.person in counted)
    roles = " or ".join(sorted(short.deciders))
    waits = f"It still needs the approval of {needed - len(approvers)} {roles}."
    return _judged_short(approvers, needed, waits).held_back(waits_for_answers(history))


def _judged_short(approvers: tuple[Decided, ...], needed: int, waits: str) -> Judgement:
    if len(approvers) < needed:
        return Judgement(Verdict.PENDING, (waits,), approvers)
    return Judgement(Verdict.APPROVED, approvers=approvers)


def measured(history: History, policy: Policy) -> tuple[Measured, ...]:
    """Return each rule of the policy that counts for the request, with what is known of its measure."""
    if history.request.subject.purpose is not None or history.request.subject.adopts:
        return ()
    return measure_rules(
        policy,
        history.evidence,
        replacing=history.request.subject.incumbent is not None,
        incumbent_tree=history.request.incumbent_tree,
        candidate_tree=history.request.subject.tree_digest,
    )


def _missing_lineage(request: PromotionRequest, found: Sequence[Measured]) -> tuple[str, ...]:
    """Say what is missing, where a rule is not met because of it."""
    fails = any(one.failure and one.rule.measure == LINEAGE_GAPS for one in found)
    return request.traced.examples if fails and request.traced else ()


def _unmeasured(history: History) -> tuple[str, ...]:
    problem = history.evaluated.problem if history.evaluated else None
    return (problem,) if problem else ()


def _judge_quorum(history: History, policy: Policy, directory: Directory) -> Judgement:
    progress = progress_of(history, policy, directory)
    counted = {person.name for person in progress.counted}
    approvers = tuple(decision for decision in _approvals(history) if decision.person in counted)
    if not progress.missing:
        return Judgement(Verdict.APPROVED, approvers=approvers)
    return Judgement(Verdict.PENDING, tuple(_needed(progress, len(policy.steps))), approvers)


def progress_of(history: History, policy: Policy, directory: Directory) -> Progress:
    """Return how far the approvals have come: which step is open, what it lacks, and whose approvals count."""
    return advance(policy.steps, _voters(history, policy, directory))


def why_not_now(person: Person, choice: Choice, history: History, policy: Policy, directory: Directory) -> str | None:
    """Return why an eligible person may not give this answer at this moment, or None if they may.

    With several steps an approval has to fill a place of the step that is open: it would count for no later one.
    """
    if choice is Choice.ASK:
        return None
    if choice is Choice.REJECT:
        return without_role(person, "reject", policy.may(Action.REJECT))
    if (refusal := without_role(person, "approve", policy.deciders)) or not policy.later:
        return refusal
    voters = _voters(history, policy, directory)
    before, after = advance(policy.steps, voters), advance(policy.steps, [*voters, person])
    if not before.missing or after.step > before.step or sum(after.missing.values()) < sum(before.missing.values()):
        return None
    return f"{' '.join(_needed(before, len(policy.steps)))} {person.name} fills no place of it; decide in a later step."


def _needed(progress: Progress, steps: int) -> Iterator[str]:
    who = "It" if steps == 1 else f"Step {progress.step + 1} of {steps}"
    for role, count in sorted(progress.missing.items()):
        yield f"{who} still needs the approval of {count} {role}."


def _approvals(history: History) -> tuple[Decided, ...]:
    """Return the approvals that were not withdrawn, in the order in which they were given."""
    approvals = (decision for decision in history.decisions if decision.choice is Choice.APPROVE)
    return tuple(sorted(approvals, key=history.events.index))


def _voters(history: History, policy: Policy, directory: Directory) -> list[Person]:
    voters = (_voter(decision, history, policy, directory) for decision in _approvals(history))
    return [person for person in voters if person]


def _voter(decision: Decided, history: History, policy: Policy, directory: Directory) -> Person | None:
    person = directory.person_behind(decision.account)
    if person is None or person.name != decision.person or not is_signed(decision, person, policy):
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
