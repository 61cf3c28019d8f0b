"""Rule records in memory, and rules whose texts are JSON: quorums by file, persons in roles.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.events import Decided
from handrail.approvals.domain.people import Directory, Person, Service
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.rule_changes import ChangeHistory, RuleChange, RuleSet, RulesInForce
from handrail.approvals.domain.signatures import PersonKey
from handrail.approvals.rule_ports import Readable, RuleRecords
from handrail.errors import Misconfigured, UnknownReference
from handrail.manifest import digest_of
from tests.fakes.approvals_signatures import FakeKey


@dataclass
class RulesInMemory(RuleRecords):
    """Keeps the promise of `RuleRecords`, as long as nobody edits its lists."""

    adopted: list[RulesInForce] = field(default_factory=list)
    histories: dict[str, ChangeHistory] = field(default_factory=dict)

    def in_force(self) -> RulesInForce | None:
        return self.adopted[-1] if self.adopted else None

    def all_in_force(self) -> Sequence[RulesInForce]:
        return list(self.adopted)

    def take(self, taken: RulesInForce) -> None:
        if taken.number != len(self.adopted):
            raise MovedMeanwhile("rules")
        self.adopted.append(taken)

    def open(self, change: RuleChange) -> ChangeHistory:
        return self.histories.setdefault(change.change_id, ChangeHistory(change))

    def append(self, history: ChangeHistory, decision: Decided, adopted: RulesInForce | None) -> ChangeHistory:
        change_id = history.change.change_id
        stored = self.load(change_id)
        if stored.decided != history.decided or (adopted and adopted.number != len(self.adopted)):
            raise MovedMeanwhile(change_id)
        if adopted:
            self.adopted.append(adopted)
        self.histories[change_id] = stored.then(decision)
        return self.load(change_id)

    def load(self, change_id: str) -> ChangeHistory:
        if change_id not in self.histories:
            raise UnknownReference("rule change", change_id, "List them with 'handrail approvals rules list'.")
        history = self.histories[change_id]
        in_force = change_id in {rules.change_id for rules in self.adopted}
        return ChangeHistory(history.change, history.decided, in_force)

    def changes(self) -> Sequence[ChangeHistory]:
        return [self.load(change_id) for change_id in self.histories]


def rule_set(**files: Any) -> RuleSet:
    """Return rules with these contents: `roles` is roles.yaml, any other name a policy."""
    names = {name: "roles.yaml" if name == "roles" else f"policies/{name}.yaml" for name in files}
    return RuleSet(
        {names[name]: json.dumps(content) for name, content in files.items()},
        {names[name]: digest_of(content) for name, content in files.items()},
    )


@dataclass(frozen=True)
class JsonRules(Readable):
    """Reads what `rule_set` made: a policy is its quorum, and whether it is `signed`; a person has roles and keys.

    A person has the account of their name unless others are named.
    """

    rules: RuleSet

    def check(self) -> tuple[str, ...]:
        if not self.policies():
            raise Misconfigured("config/policies", "no alias has a policy", "Write one.")
        for name, policy in self.policies().items():
            if not policy.quorum:
                raise Misconfigured(f"config/{name}", "its quorum is empty", "Name roles.")
        return ()

    def policies(self) -> dict[str, Policy]:
        named = {name[9:-5]: text for name, text in self.rules.texts.items() if name.startswith("policies/")}
        said = {name: json.loads(text) for name, text in named.items()}
        return {name: Policy(name, quorum, (), signed=quorum.pop("signed", False)) for name, quorum in said.items()}

    def directory(self) -> Directory:
        roles: Mapping[str, Any] = json.loads(self.rules.texts.get("roles.yaml", "{}"))
        persons = tuple(
            Person(name, frozenset(said.get("accounts", [name.lower()])), frozenset(said["roles"]), _keys(said))
            for name, said in roles.items()
            if "roles" in said
        )
        services = tuple(
            Service(name, frozenset([name]), said["owner"]) for name, said in roles.items() if "owner" in said
        )
        return Directory(persons, services)


def _keys(said: Mapping[str, Any]) -> frozenset[PersonKey]:
    return frozenset(FakeKey(name).public for name in said.get("keys", ()))
