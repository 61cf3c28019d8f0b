"""What the YAML texts of policies and roles mean. Where the texts come from is not decided here."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field

from handrail.approvals.adapters.ed25519_people import read_person_key
from handrail.approvals.adapters.policy_file import REMEDY, PolicyFile, read_policy, rules_of_objectives, scope_at_least
from handrail.approvals.domain.people import Directory, Person, RoleName, Service, folded
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.scope import Exactness, Scope
from handrail.approvals.ports import RuleBook
from handrail.approvals.rule_ports import RuleText, RuleTexts
from handrail.config import Section, parse_config
from handrail.errors import Misconfigured, UnknownReference

T = TypeVar("T")
Text = Annotated[str, Field(min_length=1, strict=True)]


def _as_key(text: str) -> str:
    read_person_key(text)
    return text


PublicKey = Annotated[Text, AfterValidator(_as_key)]


class PersonKeys(Section):
    """The accounts and roles of one person, and the public keys that sign their decisions."""

    accounts: Annotated[list[Text], Field(min_length=1)]
    roles: list[RoleName] = []
    keys: list[PublicKey] = []

    def person(self, name: str) -> Person:
        """Return the person whose keys these are."""
        keys = frozenset(read_person_key(text) for text in self.keys)
        return Person(name, frozenset(self.accounts), frozenset(self.roles), keys)


class ServiceKeys(Section):
    """The accounts of a program, and the person who answers for it."""

    accounts: Annotated[list[Text], Field(min_length=1)]
    owner: Text


Name = Annotated[str, Field(pattern=r"\S", strict=True)]


class RolesFile(Section):
    """Who is who: persons and services by name."""

    version: Literal[1]
    persons: dict[Name, PersonKeys] | None = None
    services: dict[Name, ServiceKeys] | None = None


class YamlRules(RuleBook):
    """Keeps the promise of `RuleBook` with YAML texts, wherever they come from."""

    def __init__(self, texts: RuleTexts) -> None:
        """Read these texts; each is parsed again only when it has changed."""
        self._texts = texts
        self._seen: dict[str, frozenset[Scope]] = {}
        self._parsed: dict[str, tuple[RuleText, Any]] = {}

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether an alias has a policy, however spelt; removing one frees nothing while the process lives."""
        self._look()
        return any(scope.is_about(model, alias, prompt=prompt) for scopes in self._seen.values() for scope in scopes)

    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        """Return the policy of an alias, in its folded spelling, of a model or a prompt: the most exact one.

        Raises:
            UnknownReference: it has none.
            Misconfigured: one that is, or was, about it cannot be used, or two are equally exact about it.
        """
        found: list[tuple[tuple[Exactness, Exactness], str, PolicyFile]] = []
        for name, read in self._look().items():
            if isinstance(read, Misconfigured):
                if any(scope.is_about(model, alias, prompt=prompt) for scope in self._seen[name]):
                    raise read
            elif exactness := read.scope.exactness(model, alias, prompt=prompt):
                found.append((exactness, name, read))
        if not found or alias != folded(alias):
            what = f"{alias!r} of {'the prompt ' if prompt else ''}{model!r}"
            raise UnknownReference("policy", alias, self._what_is_there(alias, what))
        found.sort(key=lambda one: one[0])
        (most, name, ruling), others = found[-1], found[:-1]
        if others and others[-1][0] == most:
            raise self._tie(others[-1][1], name, f"{model}@{alias}")
        return self._meaning(name, ruling, alias)

    def policies(self) -> Mapping[str, Policy]:
        """Return every policy by the name of its text; as its alias it has all its patterns of aliases.

        Raises:
            Misconfigured: one of them cannot be used.
        """
        return {name: self._meaning(name, read, ", ".join(read.scope.aliases)) for name, read in self._all()}

    def _meaning(self, name: str, read: PolicyFile, alias: str) -> Policy:
        if read.objectives is None:
            return read.policy(alias)
        place = self._texts.policy(name).place
        return read.policy(alias, rules_of_objectives(self._texts.objectives(), read.objectives, place))

    def _look(self) -> Mapping[str, PolicyFile | Misconfigured]:
        """Return what each text says, or why it cannot be used; and remember what it is about."""
        found: dict[str, PolicyFile | Misconfigured] = {}
        for name in self._texts.names():
            text: RuleText | None = None
            try:
                text = self._texts.policy(name)
                found[name] = read = self._once(text, partial(read_policy, name=name))
                scope = read.scope
            except Misconfigured as err:
                found[name] = err
                scope = scope_at_least(text, name)
            self._seen[name] = self._seen.get(name, frozenset()) | {scope}
        for stray in map(PurePath, self._texts.strays()):
            if stray.match("*.y*ml"):
                self._seen[stray.name] = frozenset({Scope((stray.stem,))})
        return found

    def _all(self) -> Iterator[tuple[str, PolicyFile]]:
        for name, read in self._look().items():
            if isinstance(read, Misconfigured):
                raise read
            yield name, read

    def _tie(self, one: str, other: str, what: str) -> Misconfigured:
        place = self._texts.place()
        problem = f"{one}.yaml and {other}.yaml are equally exact about {what}"
        return Misconfigured(place, problem, "Name models or aliases more exactly in one of them.")

    def _once(self, text: RuleText, parse: Callable[[RuleText], T]) -> T:
        """Return what the text means; an error is not kept."""
        known = self._parsed.get(text.place)
        if known is None or known[0] != text:
            known = self._parsed[text.place] = text, parse(text)
        meant: T = known[1]
        return meant

    def _what_is_there(self, alias: str, what: str) -> str:
        """Say which file may be meant, and which names have a policy."""
        place = self._texts.place()
        meant = [name for name in self._texts.strays() if folded(PurePath(name).stem) == folded(alias)]
        if meant:
            return f"{place}/{meant[0]} is not read: rename it to {alias}.yaml."
        scopes = (read.scope for read in self._look().values() if not isinstance(read, Misconfigured))
        known = ", ".join(str(scope) for scope in scopes) or "none"
        return f"No policy in {place} is about {what}; what has one: {known}."

    def directory(self) -> Directory:
        """Return the persons and their roles, and the services and their owners.

        Raises:
            Misconfigured: a key is misspelt, a role is unknown, an account belongs to two, or a service to nobody.
        """
        return self._once(self._texts.roles(), _directory)

    def check(self) -> tuple[str, ...]:
        """Read everything once, so that a mistake is reported before anything relies on it.

        Returns:
            a sentence about each policy that asks for less than it could.

        Raises:
            Misconfigured: no alias has a policy, a text cannot be used, or two are equally exact about one name.
        """
        for stray in self._texts.strays():
            problem = "a policy is read from a file that ends in .yaml, and here is nothing else"
            remedy = f"Rename it to {PurePath(stray).stem}.yaml, or move it away."
            raise Misconfigured(f"{self._texts.place()}/{stray}", problem, remedy)
        names = self._texts.names()
        if not names:
            raise Misconfigured(
                self._texts.place(),
                "no alias has a policy, so none would be protected",
                "Restore one; to switch the gate off, see 'handrail approvals leave'.",
            )
        read = dict(self._all())
        for (one, first), (other, second) in combinations(read.items(), 2):
            for pattern, same in first.scope.ties(second.scope):
                raise self._tie(one, other, pattern if pattern == same else f"{pattern} and {same}")
        self.policies()
        old = [name for name, content in read.items() if content.version == 1]
        self.directory()
        return tuple(
            f"config/policies/{name}.yaml is of version 1: it takes every number as its sender claims it. Give it "
            "version 2, in which each rule names its level."
            for name in old
        )


def _directory(text: RuleText) -> Directory:
    content = parse_config(text.content, RolesFile, shown=text.place, remedy=REMEDY)
    persons, services = content.persons or {}, content.services or {}
    _refuse_shared_accounts(text.place, [*persons.items(), *services.items()])
    for name, service in services.items():
        if name in persons:
            raise Misconfigured(text.place, f"{name!r} is a person and a service", REMEDY)
        if service.owner not in persons:
            problem = f"{service.owner!r}, the owner of the service {name!r}, is none of the persons"
            raise Misconfigured(text.place, problem, REMEDY)
    listed = tuple(keys.person(name) for name, keys in persons.items())
    _refuse_shared_keys(text.place, listed)
    return Directory(
        listed,
        tuple(Service(name, frozenset(keys.accounts), keys.owner) for name, keys in services.items()),
    )


def _refuse_shared_accounts(place: str, listed: Iterable[tuple[str, PersonKeys | ServiceKeys]]) -> None:
    holders: dict[str, str] = {}
    for name, keys in listed:
        for account in keys.accounts:
            other = holders.setdefault(folded(account), name)
            if other != name:
                problem = f"the account {account!r} belongs to {other!r} and {name!r}"
                raise Misconfigured(place, problem, REMEDY)


def _refuse_shared_keys(place: str, persons: Iterable[Person]) -> None:
    holders: dict[str, str] = {}
    for person in persons:
        for key in person.keys:
            other = holders.setdefault(key.key_id, person.name)
            if other != person.name:
                problem = f"the key {key.key_id} belongs to {other!r} and {person.name!r}"
                raise Misconfigured(place, problem, REMEDY)
