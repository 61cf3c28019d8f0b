"""What a policy demands, and the pure functions that judge evidence and decisions against it, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.terms import PermitRules
from handrail.manifest import digest_of

MOST_NAMES, LONGEST_NAME = 8, 40


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound on one number of the evidence, or the demand that the evidence is about the incumbent.

    `measure` is the name of a piece of evidence and the keys inside it, joined by dots. A rule with
    `if_replacing` counts only while the alias points at another version. With `is_incumbent` the measure has to be
    the digest of the tree that the alias points at, so that a comparison with a weaker model does not count.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    if_replacing: bool = False
    because: str = ""
    is_incumbent: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return all that the rule says."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "equals": self.equals}
        return {name: None if bound is None else float(bound) for name, bound in bounds.items()} | {
            "measure": self.measure,
            "if_replacing": self.if_replacing,
            "because": self.because,
            # Only where it is used: the digests of policies from before stay what they were.
            **({"is_incumbent": True} if self.is_incumbent else {}),
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold before an alias moves: bounds on evidence, and how many persons of each role must approve."""

    alias: str
    quorum: Mapping[str, int]
    rules: tuple[Rule, ...]
    permits: PermitRules = PermitRules()

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over everything that the policy says; comments in its file do not count."""
        said = {"alias": self.alias, "quorum": dict(self.quorum), "rules": [rule.to_json() for rule in self.rules]}
        permits = self.permits.to_json()
        return digest_of(said | ({"permits": permits} if permits else {}))


def failed_rules(
    policy: Policy, evidence: Mapping[str, Any], *, replacing: bool, incumbent_tree: str | None = None
) -> tuple[str, ...]:
    """Return one sentence for each rule that the evidence does not meet; `replacing`: the alias points elsewhere.

    A measure that is absent or no finite number fails its rule. `incumbent_tree` is the digest of the tree that the
    alias points at, `sha256:<hex>`; while it is unknown, what has to be the incumbent is not.
    """
    sentences = (
        _failure(rule, evidence, incumbent_tree) for rule in policy.rules if replacing or not rule.if_replacing
    )
    return tuple(sentence for sentence in sentences if sentence)


def _failure(rule: Rule, evidence: Mapping[str, Any], incumbent_tree: str | None) -> str | None:
    value: Any = evidence
    *above, _ = parts = rule.measure.split(".")
    for depth, key in enumerate(parts):
        if not isinstance(value, Mapping) or key not in value:
            where = f"whose {'.'.join(above[:depth])!r}" if depth else "which"
            return f"{rule.measure} is not in the evidence, {where} has {_named(value)}; send it."
        value = value[key]
    if rule.is_incumbent:
        return _other_than_incumbent(rule, value, incumbent_tree)
    if isinstance(value, bool) or not isinstance(value, int | float) or (type(value) is float and not isfinite(value)):
        return f"{rule.measure} is {value!r:.80}, which is not a finite number."
    demands = (
        (rule.at_least, "at least", rule.at_least is not None and value < rule.at_least),
        (rule.at_most, "at most", rule.at_most is not None and value > rule.at_most),
        (rule.equals, "exactly", rule.equals is not None and value != rule.equals),
    )
    reason = f" ({rule.because})" if rule.because else ""
    broken = [f"{words} {bound:g}" for bound, words, fails in demands if fails and bound is not None]
    shown = f"{value:.6g}" if isinstance(value, float) else f"{value!r:.80}"
    return f"{rule.measure} is {shown}; the policy wants {' and '.join(broken)}{reason}." if broken else None


def _named(value: Any) -> str:
    """Return the names that a part of the evidence has, to show beside one that was looked for."""
    if not isinstance(value, Mapping) or not value:
        return "no names"
    names = [f"{str(name)[:LONGEST_NAME]!r}" for name in value]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join(names[:MOST_NAMES] + more)


def _other_than_incumbent(rule: Rule, value: Any, incumbent_tree: str | None) -> str | None:
    if incumbent_tree is not None and value == incumbent_tree:
        return None
    reason = f" ({rule.because})" if rule.because else ""
    return f"{rule.measure} is {value!r:.80}; the alias points at {incumbent_tree or 'nothing'}{reason}."


def missing_roles(quorum: Mapping[str, int], approvers: Sequence[Person]) -> dict[str, int]:
    """Return how many approvals of each role are still missing; empty if the quorum is met.

    A person fills one place, however many roles they hold: a maximum matching of persons to places
    (augmenting paths, Kuhn 1955). An empty quorum is never met: it is reported as one missing "anyone".
    """
    places = [role for role in sorted(quorum) for _ in range(quorum[role])]
    if not places:
        return {"anyone": 1}
    persons = {person.name: person for person in sorted(approvers, key=lambda person: person.name)}
    holder: dict[int, str] = {}
    for name in persons:
        _seat(name, persons, places, holder, set())
    missing = [role for index, role in enumerate(places) if index not in holder]
    return {role: missing.count(role) for role in dict.fromkeys(missing)}


def _seat(
    name: str, persons: Mapping[str, Person], places: Sequence[str], holder: dict[int, str], tried: set[int]
) -> bool:
    for index, role in enumerate(places):
        if role not in persons[name].roles or index in tried:
            continue
        tried.add(index)
        if index not in holder or _seat(holder[index], persons, places, holder, tried):
            holder[index] = name
            return True
    return False


def why_not_eligible(
    account: str, directory: Directory, policy: Policy, authors: Iterable[str], requester: str
) -> str | None:
    """Return why this account may not decide under the policy, or None if it may.

    Authors are accounts: run owner, creator of the version, writers of its files. Neither they nor the
    requester, nor any other account of the same persons, nor the owner of a service among them, may decide.
    """
    if service := directory.service_behind(account):
        return f"{account!r} is an account of the service {service.name!r}; services never decide, persons do."
    person = directory.person_behind(account)
    if person is None:
        return f"The account {account!r} belongs to nobody in config/roles.yaml; a role has to be given there."
    if directory.answers_for_one(person, authors):
        return f"{person.name} made the candidate{_as_owner(person, authors)}; someone else in the role has to decide."
    if directory.answers_for_one(person, [requester]):
        asked = f"asked for the promotion{_as_owner(person, [requester])}"
        return f"{person.name} {asked}; someone else in the role has to decide."
    if not person.roles & set(policy.quorum):
        return f"{person.name} holds none of the roles that decide here: {', '.join(sorted(policy.quorum))}."
    return None


def _as_owner(person: Person, accounts: Iterable[str]) -> str:
    return "" if person.shares_account_with(accounts) else " through a service that they own"
