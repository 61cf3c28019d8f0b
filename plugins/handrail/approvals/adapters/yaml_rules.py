"""What the YAML texts of policies and roles mean. Where the texts come from is not decided here."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.formats import RunsCode
from handrail.approvals.domain.people import Directory, Person, RoleName, Service, folded
from handrail.approvals.domain.policy import Policy, Rule
from handrail.approvals.domain.terms import DAYS, PermitRules
from handrail.approvals.ports import RuleBook
from handrail.approvals.rule_ports import RuleText, RuleTexts
from handrail.config import Section, parse_config
from handrail.errors import Misconfigured, UnknownReference

REMEDY = "Correct the file; nothing is promoted until then."
MEASURED = ("evaluation", "comparison")
"""Names of evidence that the gate's evaluator computes."""
T = TypeVar("T")
Text = Annotated[str, Field(min_length=1, strict=True)]
Bound = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(ge=1, le=20, strict=True)]


class RuleKeys(Section):
    """One rule of a policy."""

    measure: Annotated[str, Field(pattern=r"\.", description="like evaluation.roc_auc")]
    at_least: Bound | None = None
    at_most: Bound | None = None
    equals: Bound | None = None
    is_incumbent: StrictBool = False
    if_replacing: StrictBool = False
    because: str = ""
    level: Level | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        bounds = [name for name in ("at_least", "at_most", "equals") if name in self.model_fields_set]
        for name in bounds:
            if getattr(self, name) is None:
                raise ValueError(f"{name} is empty, expected a finite number")
        if bool(bounds) is self.is_incumbent:
            raise ValueError("it needs at_least, at_most or equals, or else is_incumbent")
        return self

    def rule(self) -> Rule:
        """Return what it says; without a level quality and comparison have to be recomputed."""
        return Rule(**self.model_dump() | {"level": self.level or Level.RECOMPUTED})

    @property
    def names_quality(self) -> bool:
        """Whether the measure is one that the gate's evaluator computes."""
        return self.measure.split(".")[0] in MEASURED


class PolicyFile(Section):
    """The policy of one alias; in version 1 rules had no level, and everything was claimed."""

    version: Literal[1, 2]
    alias: str
    quorum: Annotated[dict[RoleName, Count], Field(min_length=1)]
    rules: list[RuleKeys] = []
    permit_days: Annotated[int, Field(ge=1, le=3660, strict=True)] = DAYS
    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    formats: list[RunsCode] = []
    revoke: list[RoleName] = []
    seen: Literal["required"] | None = None

    @property
    def permits(self) -> PermitRules:
        """What it says of permits."""
        return PermitRules(self.permit_days, self.environment, frozenset(self.formats), frozenset(self.revoke))

    @field_validator("rules")
    @classmethod
    def _levels_fit_the_version(cls, rules: list[RuleKeys], info: ValidationInfo) -> list[RuleKeys]:
        version = info.data.get("version")
        for place, keys in enumerate(rules, 1):
            if version == 1 and keys.level is not None:
                raise ValueError(f"rule {place}, of {keys.measure!r}, has a level, which belongs to version 2")
            if version == 2 and keys.level is None and not keys.names_quality:
                levels = ", ".join(Level)
                raise ValueError(f"rule {place}, of {keys.measure!r}, lacks its level, one of {levels}")
        return rules

    def rules_of_its_version(self) -> tuple[Rule, ...]:
        """Return the rules with their levels."""
        rules = (keys.rule() for keys in self.rules)
        return tuple(rules if self.version > 1 else (replace(rule, level=Level.CLAIMED) for rule in rules))


class PersonKeys(Section):
    """The accounts and roles of one person."""

    accounts: Annotated[list[Text], Field(min_length=1)]
    roles: list[RoleName] = []


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
        self._seen: frozenset[str] = frozenset()
        self._parsed: dict[str, tuple[RuleText, Any]] = {}

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:  # noqa: ARG002 - all models
        """Say whether an alias has a policy, however spelt; removing one frees nothing while the process lives."""
        strays = (PurePath(name) for name in self._texts.strays())
        named = [*self._texts.names(), *(name.stem for name in strays if name.match("*.y*ml"))]
        self._seen |= frozenset(map(folded, named))
        return not prompt and folded(alias) in self._seen

    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        """Return the policy of an alias, in its folded spelling, of a model or a prompt.

        Raises:
            UnknownReference: it has none.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        if prompt or alias not in self._texts.names():
            raise UnknownReference("policy", f"of {model}@{alias}", self._what_is_there(alias))
        content = self._read(alias)
        quorum = {str(role): count for role, count in content.quorum.items()}
        return Policy(
            alias, quorum, content.rules_of_its_version(), content.permits, seen_required=content.seen is not None
        )

    def policies(self) -> Mapping[str, Policy]:
        """Return every policy by the name of its text.

        Raises:
            Misconfigured: one of them cannot be used.
        """
        return {name: self.policy("*", name) for name in self._texts.names()}

    def _read(self, name: str) -> PolicyFile:
        return self._once(self._texts.policy(name), lambda text: _policy_file(text, name))

    def _once(self, text: RuleText, parse: Callable[[RuleText], T]) -> T:
        """Return what the text means; an error is not kept."""
        known = self._parsed.get(text.place)
        if known is None or known[0] != text:
            known = self._parsed[text.place] = text, parse(text)
        meant: T = known[1]
        return meant

    def _what_is_there(self, alias: str) -> str:
        """Say which text was looked for, which one may be meant, and which aliases have a policy."""
        place, names = self._texts.place(), self._texts.names()
        there = [*self._texts.strays(), *(f"{name}.yaml" for name in names)]
        others = [name for name in sorted(there) if folded(PurePath(name).stem) == alias]
        if others:
            return f"{place}/{others[0]} is not read: rename it to {alias}.yaml."
        return f"There is no {place}/{alias}.yaml; the aliases that have a policy: {', '.join(names) or 'none'}."

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
            Misconfigured: no alias has a policy, or a text cannot be used.
        """
        for stray in self._texts.strays():
            problem = "a policy is read from a file that ends in .yaml, and here is nothing else"
            remedy = f"Rename it to {PurePath(stray).stem}.yaml, or move it away."
            raise Misconfigured(f"{self._texts.place()}/{stray}", problem, remedy)
        names = self._texts.names()
        if not names:
            raise Misconfigured(self._texts.place(), "no alias has a policy, so none would be protected", REMEDY)
        old = [name for name in names if self._read(name).version == 1]
        self.directory()
        return tuple(
            f"config/policies/{name}.yaml is of version 1: it takes every number as its sender claims it. Give it "
            "version 2, in which each rule names its level."
            for name in old
        )


def _policy_file(text: RuleText, name: str) -> PolicyFile:
    content = parse_config(text.content, PolicyFile, shown=text.place, remedy=REMEDY)
    if content.alias != name:
        raise Misconfigured(text.place, f"'alias' must be {name!r}, as the file is called", REMEDY)
    return content


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
    return Directory(
        tuple(Person(name, frozenset(keys.accounts), frozenset(keys.roles)) for name, keys in persons.items()),
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
