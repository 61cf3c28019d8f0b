"""What a policy cannot do with the persons that there are, and in what two policies differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.quorum import missing_roles
from handrail.approvals.domain.rights import Action
from handrail.approvals.domain.short_requests import NEEDED
from handrail.approvals.domain.subject import Purpose


@dataclass(frozen=True, slots=True)
class WeakPoint:
    """A way in which a policy cannot do what it is there for; `blocks`: with it nothing is ever promoted."""

    sentence: str
    blocks: bool = False


def weak_points(policy: Policy, directory: Directory) -> Iterator[WeakPoint]:
    """Give each weak point of a policy with these persons. A person fills one place in all steps together."""
    held = {role for person in directory.persons for role in person.roles}
    for role in sorted(policy.deciders - held):
        yield WeakPoint(f"{policy.alias}: nobody holds the role {role}, so nothing can be promoted.", blocks=True)
    yield from _without_keys(policy, directory)
    deciding = [person for person in directory.persons if person.keys or not policy.signed]
    places = sum(map(Counter, policy.steps), Counter[str]())
    for role, count in sorted(missing_roles(places, deciding).items()):
        remedy = "name more persons, or ask for fewer"
        yield WeakPoint(f"{policy.alias}: all persons together leave {count} {role} open; {remedy}.", blocks=True)
    for action in Action:
        roles = policy.may(action)
        if roles and roles.isdisjoint(held | policy.deciders):
            yield WeakPoint(
                f"{policy.alias}: nobody holds a role of {str(action)!r}: {', '.join(sorted(roles))}.",
                blocks=action is Action.REQUEST,
            )
    yield from _unconfirmed(policy, directory)
    if not policy.rules:
        yield WeakPoint(f"{policy.alias}: no rule asks for evidence, so persons alone decide.")


def _unconfirmed(policy: Policy, directory: Directory) -> Iterator[WeakPoint]:
    """Give whoever can break the glass without enough others to confirm it; makers of the version count even less."""
    needed = NEEDED[Purpose.CONFIRMATION]
    approving = {person.name for person in directory.persons if person.roles & policy.deciders}
    for person in directory.persons:
        others = len(approving - {person.name})
        if person.roles & policy.may(Action.BREAK_GLASS) and others < needed:
            yield WeakPoint(
                f"{policy.alias}: an emergency of {person.name} is confirmed by {needed} others of the roles that "
                f"approve, and there are {others}; so it is always reverted. Name more persons."
            )


def _without_keys(policy: Policy, directory: Directory) -> Iterator[WeakPoint]:
    for person in directory.persons if policy.signed else ():
        if person.roles & policy.deciders and not person.keys:
            yield WeakPoint(f"{policy.alias}: {person.name} has no key, and each decision has to be signed.")


def differences(one: Policy, other: Policy) -> Iterator[str]:
    """Give a line for each thing that two policies do not say alike, from the first to the second."""
    if one.scope and other.scope and one.scope != other.scope:
        yield f"about: {one.scope} → {other.scope}"
    for step in range(max(len(one.steps), len(other.steps))):
        name = "quorum" if not one.later and not other.later else f"step {step + 1}"
        was, becomes = (policy.steps[step] if step < len(policy.steps) else {} for policy in (one, other))
        for role in sorted({*was, *becomes}):
            if was.get(role, 0) != becomes.get(role, 0):
                yield f"{name}: {role} {was.get(role, 0)} → {becomes.get(role, 0)}"
    was_rules, rules = [_rule(rule.to_json()) for rule in one.rules], [_rule(rule.to_json()) for rule in other.rules]
    yield from (f"rule taken out: {rule}" for rule in was_rules if rule not in rules)
    yield from (f"rule put in: {rule}" for rule in rules if rule not in was_rules)
    said, says = _terms(one), _terms(other)
    for name in sorted({*said, *says}):
        if said.get(name) != says.get(name):
            yield f"{name}: {_value(said.get(name))} → {_value(says.get(name))}"


def _terms(policy: Policy) -> dict[str, Any]:
    """Return what a policy says beside its quorums and rules, by the names that its file has for it."""
    found: dict[str, Any] = {}
    for name, value in policy.to_json().items():
        if name in ("alias", "quorum", "later", "rules"):
            continue
        found |= value if isinstance(value, Mapping) else {name: value}
    names = {"days": "permit_days", "revokers": "revoke"}
    return {names.get(name, name): value for name, value in found.items()}


def _value(value: Any) -> str:
    if value is None:
        return "not said"
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _rule(rule: dict[str, object]) -> str:
    # A bound of 0 is one, although it equals False.
    said = {name: value for name, value in rule.items() if name != "measure" and value != "" and _is_said(value)}
    return f"{rule['measure']} " + ", ".join(f"{name} {value}" for name, value in said.items())


def _is_said(value: object) -> bool:
    return value is not None and value is not False
