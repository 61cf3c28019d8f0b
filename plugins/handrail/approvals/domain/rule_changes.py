"""Rules that are in force, and changes of them: files propose, persons in the roles that the rules name decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.quorum import missing_roles
from handrail.manifest import digest_of

POLICIES, END = "policies/", ".yaml"
OBJECTIVES = "objectives.yaml"


def file_of(policy: str) -> str:
    """Return the name of the file of a policy, below `config/`."""
    return f"{POLICIES}{policy}{END}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The files that say who may decide what: their texts, by name below `config/`.

    `meanings` has the digest of what each text says; comments and layout do not count.
    """

    texts: Mapping[str, str]
    meanings: Mapping[str, str]

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over what all files say."""
        return digest_of(dict(self.meanings))

    def differing(self, other: RuleSet) -> tuple[str, ...]:
        """Return the names of the files that say something else in the other set, or are in one of the two alone."""
        names = {*self.meanings, *other.meanings}
        return tuple(sorted(name for name in names if self.meanings.get(name) != other.meanings.get(name)))

    def diff(self, other: RuleSet, name: str) -> str:
        """Return how the text of one file differs in the other set, as a unified diff."""
        before, after = (rules.texts.get(name, "").splitlines() for rules in (self, other))
        return "\n".join(unified_diff(before, after, f"in force/{name}", f"proposed/{name}", lineterm=""))

    def keeping(self, other: RuleSet) -> RuleSet:
        """Return this set with those policies of the other one that it lacks, and the objectives that they require."""
        needed = {name for name in other.texts if name.startswith(POLICIES) or name == OBJECTIVES}
        kept = needed - set(self.texts)
        return RuleSet(
            {**self.texts, **{name: other.texts[name] for name in kept}},
            {**self.meanings, **{name: other.meanings[name] for name in kept}},
        )


class Way(StrEnum):
    """How rules came into force."""

    FIRST = "first"
    """They were the files at the first start."""
    NOBODY = "nobody"
    """They were the files while the rules named no person who could have been asked."""
    OWNER = "owner"
    """Whoever runs the server took the files without asking."""
    DECIDED = "decided"
    """Persons decided."""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """Rules, and since when, why and by whom they are in force; `number` counts from 0.

    `by` is an account of the server where persons decided, the one that proposed the change, or else the user of the
    machine.
    """

    number: int
    rules: RuleSet
    way: Way
    at: datetime
    by: str
    reason: str = ""
    change_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all but the texts as JSON values."""
        return {
            "number": self.number,
            "digest": self.rules.digest,
            "files": dict(self.rules.meanings),
            "way": str(self.way),
            "since": self.at.isoformat(),
            "by": self.by,
            "reason": self.reason,
            "change_id": self.change_id,
        }


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What somebody proposed: the rules instead of those with the digest `base`, with the number `turn` of tries."""

    base: str
    rules: RuleSet
    proposer: str
    reason: str
    opened_at: datetime
    turn: int = 0

    @property
    def change_id(self) -> str:
        """The same for the same proposal over the same rules at the same turn."""
        return "rc-" + digest_of([self.base, self.rules.digest, self.turn]).removeprefix("sha256:")[:20]


@dataclass(frozen=True, slots=True)
class ChangeHistory:
    """A proposed change, the decisions about it in order, and whether it came into force."""

    change: RuleChange
    decided: tuple[Decided, ...] = field(default=())
    in_force: bool = False

    def then(self, decision: Decided) -> ChangeHistory:
        """Return the history with one more decision."""
        return replace(self, decided=(*self.decided, decision))

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """The last decision of each person, in the order in which they first decided."""
        return tuple({decision.person: decision for decision in self.decided}.values())


class ChangeState(StrEnum):
    """Where a proposed change stands."""

    PENDING = "pending"
    REJECTED = "rejected"
    VOID = "void"
    IN_FORCE = "in force"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a change of rules is judged by: the rules in force, and what the proposed ones would make of persons.

    `quorums` has for each policy file in force how many persons of each role have to approve its change, `signed` those
    files whose policies ask for signatures.
    """

    digest: str
    quorums: Mapping[str, Mapping[str, int]]
    directory: Directory
    proposed: Directory
    signed: frozenset[str] = frozenset()

    def wants_signatures(self, names: Iterable[str]) -> bool:
        """Say whether one of the policies that are asked about a change of these files asks for signatures."""
        names = set(names)
        return bool(self.signed & names) or (bool(self.signed) and not names <= set(self.quorums))

    def quorum_for(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many persons of each role have to approve a change of these files.

        A policy is changed or removed by those whom it names itself. Everything else, a new policy too, could weaken
        each of them, so that it needs what any of them needs.
        """
        concerned: list[Mapping[str, int]] = []
        for name in names:
            concerned += [self.quorums[name]] if name in self.quorums else self.quorums.values()
        roles = {role for quorum in concerned for role in quorum}
        return {role: max(quorum.get(role, 0) for quorum in concerned) for role in sorted(roles)}


def judge_change(history: ChangeHistory, names: Iterable[str], ruling: Ruling) -> tuple[ChangeState, tuple[str, ...]]:
    """Return where a change of these files stands, and why. What is not clearly allowed stays pending."""
    if history.in_force:
        return ChangeState.IN_FORCE, ()
    rejections = tuple(
        f"{decision.person} rejected it: {decision.reason}"
        for decision in history.decisions
        if decision.choice is Choice.REJECT
    )
    if rejections:
        return ChangeState.REJECTED, rejections
    if history.change.base != ruling.digest:
        return ChangeState.VOID, ("The rules in force are others by now; propose the files again.",)
    names = tuple(names)
    quorum = ruling.quorum_for(names)
    missing = missing_roles(quorum, _counted(history, quorum, ruling, signed=ruling.wants_signatures(names)))
    if not missing:
        return ChangeState.IN_FORCE, ()
    return ChangeState.PENDING, tuple(
        f"It still needs the approval of {count} {role}." for role, count in sorted(missing.items())
    )


def _counted(history: ChangeHistory, quorum: Mapping[str, int], ruling: Ruling, *, signed: bool) -> list[Person]:
    found = []
    for decision in history.decisions:
        person = ruling.directory.person_behind(decision.account)
        if signed and not (person and decision.signature and person.key(decision.signature.key_id)):
            continue
        refusal = why_not_deciding(decision.account, history.change.proposer, quorum, ruling)
        if person and person.name == decision.person and decision.choice is Choice.APPROVE and refusal is None:
            found.append(person)
    return found


def why_not_deciding(account: str, proposer: str, quorum: Mapping[str, int], ruling: Ruling) -> str | None:
    """Return why this account may not decide about a change, or None if it may.

    Nobody decides about what they proposed themselves, nor about what would give themselves more.
    """
    if service := ruling.directory.service_behind(account):
        return f"{account!r} is an account of the service {service.name!r}; services never decide, persons do."
    person = ruling.directory.person_behind(account)
    if person is None:
        return f"The account {account!r} belongs to nobody in the roles that are in force."
    if ruling.directory.answers_for_one(person, [proposer]):
        return f"{person.name} proposed the change; someone else in the role has to decide."
    if gained := gains(person, ruling.directory, ruling.proposed):
        return f"The change would give {person.name} {gained}; someone else in the role has to decide."
    if not person.roles & set(quorum):
        return f"{person.name} holds none of the roles that decide here: {', '.join(sorted(quorum))}."
    return None


def gains(person: Person, now: Directory, then: Directory) -> str | None:
    """Return what a person would have more by other roles, under whatever name: None if nothing."""
    after = [other for other in then.persons if other.name == person.name or other.shares_account_with(person.accounts)]
    roles = {role for other in after for role in other.roles} - person.roles
    accounts = {account for other in after for account in other.accounts} - person.accounts
    # A service that changes hands makes another person answer for what it made: its owner could then decide about it.
    keys = {key.key_id for other in after for key in other.keys} - {key.key_id for key in person.keys}
    owned = {service.name for service in now.services if service.owner == person.name}
    names = {person.name} | {other.name for other in after}
    freed = owned - {service.name for service in then.services if service.owner in names}
    more = [f"the role {role}" for role in sorted(roles)] + [f"the account {name!r}" for name in sorted(accounts)]
    more += [f"the key {key_id}" for key_id in sorted(keys)]
    more += [f"no more to answer for {name!r}" for name in sorted(freed)]
    return " and ".join(more) or None
