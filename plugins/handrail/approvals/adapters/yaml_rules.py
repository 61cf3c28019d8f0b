"""Policies from config/policies/<alias>.yaml and roles from config/roles.yaml, read anew at each look."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from handrail.approvals.domain.people import ROLES, Directory, Person, folded
from handrail.approvals.domain.policy import Policy, Rule
from handrail.approvals.ports import RuleBook
from handrail.errors import Misconfigured, UnknownReference

_RULE_KEYS = ("measure", "at_least", "at_most", "equals", "is_incumbent", "if_replacing", "because")


class YamlRules(RuleBook):
    """Keeps the promise of `RuleBook` with files that people edit."""

    def __init__(self, config: Path) -> None:
        """Read below the project's config folder."""
        self._roles = config / "roles.yaml"
        self._policies = config / "policies"
        self._seen: frozenset[str] = frozenset()

    def protected(self) -> frozenset[str]:
        """Return the aliases that have a policy file, in lower case; removing a file frees nothing while running."""
        self._seen |= {folded(file.stem) for file in self._policies.glob("*.yaml")}
        return self._seen

    def policy(self, alias: str) -> Policy:
        """Return the alias's policy.

        Raises:
            UnknownReference: it has none.
            Misconfigured: a key is misspelt, or a value cannot be used.
        """
        file = self._policies / f"{alias}.yaml"
        if alias not in {known.stem for known in self._policies.glob("*.yaml")}:
            raise UnknownReference(
                "policy", alias, f"Only these aliases have one: {', '.join(sorted(self.protected()))}."
            )
        content = _read(file)
        _known_keys(file, content, ("version", "alias", "quorum", "rules"), "")
        _demand(file, content.get("version") == 1, "'version' must be 1")
        _demand(file, content.get("alias") == alias, f"'alias' must be {alias!r}, as the file is called")
        return Policy(alias, _quorum(file, content.get("quorum")), _rules(file, content.get("rules", [])))

    def directory(self) -> Directory:
        """Return the persons and their roles.

        Raises:
            Misconfigured: a key is misspelt, a role is unknown, or an account belongs to two persons.
        """
        file = self._roles
        content = _read(file)
        _known_keys(file, content, ("version", "persons"), "")
        _demand(file, content.get("version") == 1, "'version' must be 1")
        persons = content.get("persons") or {}
        _demand(file, isinstance(persons, Mapping), "'persons' must map names to accounts and roles")
        directory = Directory(tuple(_person(file, name, entry) for name, entry in persons.items()))
        owners: dict[str, str] = {}
        for person in directory.persons:
            for account in person.accounts:
                other = owners.setdefault(folded(account), person.name)
                _demand(file, other == person.name, f"the account {account!r} belongs to {other!r} and {person.name!r}")
        return directory

    def check(self) -> None:
        """Read everything once, so that a mistake is told before anything relies on it.

        Raises:
            Misconfigured: no alias has a policy, or a file cannot be used.
        """
        names = sorted(file.stem for file in self._policies.glob("*.yaml"))
        _demand(self._policies, names, "no alias has a policy, so none would be protected")
        for name in names:
            self.policy(name)
        self.directory()


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice, where YAML would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(problem=f"the key {key!r} is written twice")
        return super().construct_mapping(node, deep)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # a SafeLoader underneath
    except FileNotFoundError as err:
        raise Misconfigured(str(file), "it is missing", "Restore it from the repository.") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        problem = getattr(err, "problem", None) or str(err)
        raise Misconfigured(str(file), f"it cannot be read: {problem}", "Correct the file.") from err
    _demand(file, isinstance(content, Mapping), "it does not hold 'key: value' lines")
    return dict(content)


def _quorum(file: Path, quorum: Any) -> Mapping[str, int]:
    _demand(file, isinstance(quorum, Mapping) and quorum, "'quorum' must name at least one role and how many approve")
    _known_keys(file, quorum, ROLES, "quorum.")
    for role, count in quorum.items():
        _demand(file, type(count) is int and 1 <= count <= 20, f"'quorum.{role}' must be a whole number from 1 to 20")
    return dict(quorum)


def _rules(file: Path, rules: Any) -> tuple[Rule, ...]:
    _demand(file, isinstance(rules, list), "'rules' must be a list")
    return tuple(_rule(file, f"rules[{index}]", entry) for index, entry in enumerate(rules))


def _rule(file: Path, where: str, entry: Any) -> Rule:
    _demand(file, isinstance(entry, Mapping), f"'{where}' must hold 'key: value' lines")
    _known_keys(file, entry, _RULE_KEYS, f"{where}.")
    measure = entry.get("measure")
    _demand(file, isinstance(measure, str) and "." in measure, f"'{where}.measure' must be like evaluation.roc_auc")
    bounds = {key: entry[key] for key in ("at_least", "at_most", "equals") if key in entry}
    is_incumbent = entry.get("is_incumbent", False)
    _demand(file, isinstance(is_incumbent, bool), f"'{where}.is_incumbent' must be true or false")
    _demand(file, bool(bounds) != is_incumbent, f"'{where}' needs at_least, at_most or equals, or else is_incumbent")
    for key, bound in bounds.items():
        hint = " (YAML reads 1e-5 as text, write 1.0e-5)" if isinstance(bound, str) else ""
        number = isinstance(bound, int | float) and not isinstance(bound, bool) and bound - bound == 0
        _demand(file, number, f"'{where}.{key}' must be a finite number, not {bound!r}{hint}")
    for key, kind in (("if_replacing", bool), ("because", str)):
        _demand(file, isinstance(entry.get(key, kind()), kind), f"'{where}.{key}' must be {_NAMED[kind]}")
    return Rule(
        str(measure),
        **{key: float(bound) for key, bound in bounds.items()},
        if_replacing=entry.get("if_replacing", False),
        because=entry.get("because", ""),
        is_incumbent=is_incumbent,
    )


_NAMED = {bool: "true or false", str: "text"}


def _person(file: Path, name: Any, entry: Any) -> Person:
    _demand(file, isinstance(name, str) and name.strip(), f"the name {name!r} must be text")
    _demand(file, isinstance(entry, Mapping), f"'persons.{name}' must hold accounts and roles")
    _known_keys(file, entry, ("accounts", "roles"), f"persons.{name}.")
    accounts, roles = entry.get("accounts"), entry.get("roles", [])
    for key, texts in (("accounts", accounts), ("roles", roles)):
        is_list = isinstance(texts, list) and all(isinstance(text, str) and text for text in texts)
        _demand(file, is_list, f"'persons.{name}.{key}' must be a list of texts")
    _demand(file, bool(accounts), f"'persons.{name}.accounts' names no account")
    _known_keys(file, dict.fromkeys(roles), ROLES, f"persons.{name}.roles: ")
    return Person(str(name), frozenset(accounts), frozenset(roles))


def _known_keys(file: Path, content: Mapping[Any, Any], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise Misconfigured(
                str(file),
                f"'{where}{key}' is unknown",
                f"Did you mean {near[0]!r}?" if near else f"Write one of: {', '.join(known)}.",
            )


def _demand(file: Path, holds: Any, problem: str) -> None:
    if not holds:
        raise Misconfigured(str(file), problem, "Correct the file; nothing is promoted until then.")
