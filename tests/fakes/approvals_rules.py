"""Fakes of policies and roles, and of where their texts come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.approvals.domain.people import Directory, Person, Service, folded
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.scope import Scope
from handrail.approvals.ports import RuleBook
from handrail.approvals.rule_ports import RuleText, RuleTexts
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals import PEOPLE, QUORUM, RULES


class FakeRules(RuleBook):
    """`RuleBook` with policies and persons that a test sets; one without a scope is about the alias of its name."""

    def __init__(self) -> None:
        self.policies = {"champion": Policy("champion", QUORUM, RULES)}
        self.persons: tuple[Person, ...] = PEOPLE
        self.services: tuple[Service, ...] = ()
        self.broken: Misconfigured | None = None
        self._seen: frozenset[Scope] = frozenset()

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        self._seen |= frozenset(self._scopes().values())
        return any(scope.is_about(model, alias, prompt=prompt) for scope in self._seen)

    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        if self.broken:
            raise self.broken
        found = {name: scope.exactness(model, alias, prompt=prompt) for name, scope in self._scopes().items()}
        ranked = sorted((exactness, name) for name, exactness in found.items() if exactness)
        if not ranked or alias != folded(alias):
            raise UnknownReference("policy", alias, "Write one.")
        if [exactness for exactness, _ in ranked].count(ranked[-1][0]) > 1:
            raise Misconfigured("policies", f"two are equally exact about {model}@{alias}", "Correct one of them.")
        return replace(self.policies[ranked[-1][1]], alias=alias)

    def _scopes(self) -> dict[str, Scope]:
        return {name: policy.scope or Scope((name,)) for name, policy in self.policies.items()}

    def directory(self) -> Directory:
        owners: dict[str, str] = {}
        for person in self.persons:
            for account in person.accounts:
                if owners.setdefault(folded(account), person.name) != person.name:
                    raise Misconfigured("roles", f"two persons have the account {account!r}", "Correct the roles.")
        return Directory(self.persons, self.services)


class MemoryTexts(RuleTexts):
    """`RuleTexts` that a test sets."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.persons: str | None = None
        self.wanted: str | None = None
        self.others: set[str] = set()

    def names(self) -> Sequence[str]:
        return sorted(self.policies)

    def policy(self, name: str) -> RuleText:
        return _text(f"policies/{name}.yaml", self.policies.get(name))

    def roles(self) -> RuleText:
        return _text("roles.yaml", self.persons)

    def objectives(self) -> RuleText:
        return _text("objectives.yaml", self.wanted)

    def place(self) -> str:
        return "policies"

    def strays(self) -> Sequence[str]:
        return sorted(self.others)


def _text(place: str, content: str | None) -> RuleText:
    if content is None:
        raise Misconfigured(place, "it is missing", "Restore it.")
    return RuleText(place, content)
