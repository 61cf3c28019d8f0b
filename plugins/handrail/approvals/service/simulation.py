"""What a changed policy would have said about the requests that there were. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from handrail.approvals.domain.events import History, MoveAbandoned, MoveDone, MoveIntended, Published, Voided
from handrail.approvals.domain.judging import Verdict, judge
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.quorum import missing_roles
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
    model, alias = request.subject.model, request.subject.alias
    before, after = (_judged(history, rules.policy(model, alias), rules.directory()) for rules in (now, then))
    return Simulated(request.request_id, request.label, before[0], after[0], after[1])


def _judged(history: History, policy: Policy, directory: Directory) -> tuple[Verdict, tuple[str, ...]]:
    subject = replace(history.request.subject, policy_digest=policy.digest)
    events = tuple(event for event in history.events if not isinstance(event, OUTCOMES))
    judgement = judge(
        replace(history, request=replace(history.request, subject=subject), events=events), policy, directory
    )
    return judgement.verdict, judgement.reasons


def weak_points(policy: Policy, directory: Directory) -> Iterator[str]:
    """Give a sentence for each way in which a policy and the persons cannot do what they are there for."""
    for role in sorted(policy.quorum):
        if not any(role in person.roles for person in directory.persons):
            yield f"{policy.alias}: nobody holds the role {role}, so nothing can be promoted."
    for role, count in sorted(missing_roles(policy.quorum, directory.persons).items()):
        yield f"{policy.alias}: all persons together leave {count} {role} open; name more persons, or ask for fewer."
    if not policy.rules:
        yield f"{policy.alias}: no rule asks for evidence, so persons alone decide."


def differences(one: Policy, other: Policy) -> Iterator[str]:
    """Give a line for each role and rule in which two policies differ, from the first to the second."""
    for role in sorted({*one.quorum, *other.quorum}):
        was, becomes = one.quorum.get(role, 0), other.quorum.get(role, 0)
        if was != becomes:
            yield f"quorum: {role} {was} → {becomes}"
    was_rules, rules = [_shown(rule.to_json()) for rule in one.rules], [_shown(rule.to_json()) for rule in other.rules]
    yield from (f"rule taken out: {rule}" for rule in was_rules if rule not in rules)
    yield from (f"rule put in: {rule}" for rule in rules if rule not in was_rules)


def _shown(rule: dict[str, object]) -> str:
    # A bound of 0 is one, although it equals False.
    said = {name: value for name, value in rule.items() if name != "measure" and value != "" and _is_said(value)}
    return f"{rule['measure']} " + ", ".join(f"{name} {value}" for name, value in said.items())


def _is_said(value: object) -> bool:
    return value is not None and value is not False
