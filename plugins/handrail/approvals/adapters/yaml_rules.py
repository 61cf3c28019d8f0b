"""Policies from config/policies/<alias>.yaml and roles from config/roles.yaml, read again when they have changed."""

# pydantic reads the annotations at run time, so they stay real.

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from handrail.approvals.adapters.changed_files import ChangedFiles
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.formats import RunsCode
from handrail.approvals.domain.people import Directory, Person, RoleName, Service, folded
from handrail.approvals.domain.policy import Policy, Rule
from handrail.approvals.domain.terms import DAYS, PermitRules
from handrail.approvals.ports import RuleBook
from handrail.config import Section, read_config
from handrail.errors import Misconfigured, UnknownReference

REMEDY = "Correct the file; nothing is promoted until then."
MEASURED = ("evaluation", "comparison")
"""Names of evidence that the gate's evaluator computes."""
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
    """Keeps the promise of `RuleBook` with files that people edit."""

    def __init__(self, config: Path) -> None:
        """Read below the project's config folder."""
        self._roles = config / "roles.yaml"
        self._policies = config / "policies"
        self._seen: frozenset[str] = frozenset()
        self._changed = ChangedFiles()

    def protected(self) -> frozenset[str]:
        """Return the aliases that have a policy file, in lower case; removing a file frees nothing while running."""
        self._seen |= {folded(file.stem) for file in self._policies.glob("*.y*ml")}
        return self._seen

    def policy(self, alias: str) -> Policy:
        """Return the alias's policy.

        Raises:
            UnknownReference: it has none.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        file = self._policies / f"{alias}.yaml"
        if alias not in {known.stem for known in self._policies.glob("*.yaml")}:
            raise UnknownReference("policy", alias, self._what_is_there(alias))
        return self._changed.read(file, lambda: self._read_policy(file, alias))

    def _read_policy(self, file: Path, alias: str) -> Policy:
        content = self._read(file, alias)
        quorum = {str(role): count for role, count in content.quorum.items()}
        return Policy(alias, quorum, content.rules_of_its_version(), content.permits)

    def _read(self, file: Path, alias: str) -> PolicyFile:
        content = read_config(file, PolicyFile, remedy=REMEDY)
        if content.alias != alias:
            raise Misconfigured(str(file), f"'alias' must be {alias!r}, as the file is called", REMEDY)
        return content

    def _what_is_there(self, alias: str) -> str:
        """Say which file was looked for, which one may be meant, and which aliases have a policy."""
        others = [file.name for file in sorted(self._policies.glob("*")) if folded(file.stem) == alias]
        if others:
            return f"{self._policies / others[0]} is not read: rename it to {alias}.yaml."
        known = ", ".join(sorted({file.stem for file in self._policies.glob("*.yaml")})) or "none"
        return f"There is no {self._policies / alias}.yaml; the aliases that have a policy: {known}."

    def directory(self) -> Directory:
        """Return the persons and their roles, and the services and their owners.

        Raises:
            Misconfigured: a key is misspelt, a role is unknown, an account belongs to two, or a service to nobody.
        """
        return self._changed.read(self._roles, self._read_directory)

    def _read_directory(self) -> Directory:
        content = read_config(self._roles, RolesFile, remedy=REMEDY)
        persons, services = content.persons or {}, content.services or {}
        holders: dict[str, str] = {}
        listed = [(name, keys.accounts) for name, keys in persons.items()]
        listed += [(name, service.accounts) for name, service in services.items()]
        for name, accounts in listed:
            for account in accounts:
                other = holders.setdefault(folded(account), name)
                if other != name:
                    raise self._mistake(f"the account {account!r} belongs to {other!r} and {name!r}")
        for name, service in services.items():
            if name in persons:
                raise self._mistake(f"{name!r} is a person and a service")
            if service.owner not in persons:
                raise self._mistake(f"{service.owner!r}, the owner of the service {name!r}, is none of the persons")
        return Directory(
            tuple(Person(name, frozenset(keys.accounts), frozenset(keys.roles)) for name, keys in persons.items()),
            tuple(Service(name, frozenset(keys.accounts), keys.owner) for name, keys in services.items()),
        )

    def _mistake(self, problem: str) -> Misconfigured:
        return Misconfigured(str(self._roles), problem, REMEDY)

    def check(self) -> tuple[str, ...]:
        """Read everything once, so that a mistake is reported before anything relies on it.

        Returns:
            a sentence about each policy that asks for less than it could.

        Raises:
            Misconfigured: no alias has a policy, or a file cannot be used.
        """
        for file in sorted(self._policies.glob("*")):
            if file.name != ".gitkeep" and (file.suffix != ".yaml" or file.name.startswith(".") or not file.is_file()):
                problem = "a policy is read from a file that ends in .yaml, and here is nothing else"
                raise Misconfigured(str(file), problem, f"Rename it to {file.stem}.yaml, or move it away.")
        names = sorted(file.stem for file in self._policies.glob("*.yaml"))
        if not names:
            raise Misconfigured(str(self._policies), "no alias has a policy, so none would be protected", REMEDY)
        old = [name for name in names if self._read(self._policies / f"{name}.yaml", name).version == 1]
        self.directory()
        return tuple(
            f"config/policies/{name}.yaml is of version 1: it takes every number as its sender claims it. Give it "
            "version 2, in which each rule names its level."
            for name in old
        )
