"""Texts of policies and roles that were kept when they came into force, and how files become such a set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations, files_of
from handrail.approvals.adapters.yaml_identities import FILE as IDENTITIES
from handrail.approvals.adapters.yaml_identities import YamlIdentities
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.rule_changes import END, OBJECTIVES, POLICIES, RuleSet, file_of
from handrail.approvals.ports import RuleBook
from handrail.approvals.rule_ports import Readable, RuleRecords, RuleText, RuleTexts
from handrail.config import parse_yaml
from handrail.errors import Misconfigured
from handrail.manifest import digest_of

ROLES, CONFIG = "roles.yaml", "config/"


class KeptTexts(RuleTexts):
    """Keeps the promise of `RuleTexts` with one set of rules, whatever the files say."""

    def __init__(self, rules: RuleSet) -> None:
        """Return the texts of this set."""
        self._kept = rules

    def names(self) -> Sequence[str]:
        """Return the name of each policy, in order."""
        return sorted(name.removeprefix(POLICIES).removesuffix(END) for name in self._kept.texts if _is_policy(name))

    def policy(self, name: str) -> RuleText:
        """Return the text of a policy of `names`.

        Raises:
            Misconfigured: there is none of this name.
        """
        return self._text(file_of(name))

    def roles(self) -> RuleText:
        """Return the text that says who is who.

        Raises:
            Misconfigured: there is none.
        """
        return self._text(ROLES)

    def objectives(self) -> RuleText:
        """Return the text that says what the business wants in figures.

        Raises:
            Misconfigured: no policy that came into force required an objective.
        """
        return self._text(OBJECTIVES)

    def place(self) -> str:
        """Return what messages call the place of all policies."""
        return "config/policies"

    def strays(self) -> Sequence[str]:
        """Return nothing: only policies came into force."""
        return []

    def _text(self, name: str) -> RuleText:
        place = f"config/{name}"
        if name not in self._kept.texts:
            raise Misconfigured(place, "it is missing", "Propose it with 'handrail approvals rules propose'.")
        return RuleText(place, self._kept.texts[name])


class KeptRules(Readable):
    """Keeps the promise of `Readable` with one set of rules: policies, roles, pipelines, plans of measuring."""

    def __init__(self, rules: RuleSet) -> None:
        """Read the texts of this set."""
        self._rules = YamlRules(KeptTexts(rules))
        self._evaluations = YamlEvaluations(partial(text_at, rules))
        self._identities = YamlIdentities(partial(text_at, rules, IDENTITIES))

    def check(self) -> None:
        """Read everything once.

        Raises:
            Misconfigured: something cannot be used.
        """
        self._rules.check()
        self._evaluations.check()
        self._identities.check(self._rules.directory())

    def policies(self) -> Mapping[str, Policy]:
        """Return every policy by the name of its text."""
        return self._rules.policies()

    def directory(self) -> Directory:
        """Return persons and services."""
        return self._rules.directory()


def kept_rules(rules: RuleSet) -> KeptRules:
    """Return what a set of rules says. Pages ask at each load, so the sets that were read last are not read again."""
    return _kept_rules(tuple(sorted(rules.texts.items())), tuple(sorted(rules.meanings.items())))


@lru_cache(maxsize=8)
def _kept_rules(texts: tuple[tuple[str, str], ...], meanings: tuple[tuple[str, str], ...]) -> KeptRules:
    return KeptRules(RuleSet(dict(texts), dict(meanings)))


class RulesByLedger(RuleBook):
    """Keeps the promise of `RuleBook` with what is in force at each call, whatever the files say."""

    def __init__(self, records: RuleRecords, before_persons: Callable[[], None] = lambda: None) -> None:
        """Ask these records at each call; `before_persons` is called before each look at who is who."""
        self._records = records
        self._before_persons = before_persons
        self._known: tuple[int, YamlRules] | None = None

    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether an alias has a policy that is in force, however spelt."""
        return self._now.protected(model, alias, prompt=prompt)

    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        """Return the policy of an alias, in its folded spelling, of a model or a prompt.

        Raises:
            UnknownReference: it has none.
            LogMismatch: what is stored is not what was logged.
        """
        return self._now.policy(model, alias, prompt=prompt)

    def directory(self) -> Directory:
        """Return the persons and their roles, and the services and their owners.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """
        self._before_persons()
        return self._now.directory()

    def check(self) -> tuple[str, ...]:
        """Return a sentence about each policy in force that asks for less than it could."""
        return self._now.check()

    @property
    def _now(self) -> YamlRules:
        found = self._records.in_force()
        if found is None:
            remedy = "Start the gate's MLflow server once: it takes the files."
            raise Misconfigured("the rules", "none are in force yet", remedy)
        if self._known is None or self._known[0] != found.number:
            self._known = found.number, YamlRules(KeptTexts(found.rules))
        return self._known[1]


def rules_at(records: RuleRecords, moment: datetime) -> RuleBook:
    """Return policies and roles as they were in force at a moment; before the first start, those of the start.

    Raises:
        Misconfigured: none are in force yet.
        LogMismatch: what is stored is not what was logged.
    """
    every = records.all_in_force()
    if not every:
        remedy = "Start the gate's MLflow server once: it takes the files."
        raise Misconfigured("the rules", "none are in force yet", remedy)
    then = [each for each in every if each.at <= moment] or every[:1]
    return YamlRules(KeptTexts(then[-1].rules))


def text_at(rules: RuleSet, path: str) -> str | None:
    """Return a text of a set by its path below the project; None if the set has none."""
    return rules.texts.get(_name(path))


def rule_set_of(texts: RuleTexts, project: Path) -> RuleSet:
    """Return what these texts, and those of a project that say how candidates are measured, say.

    Raises:
        Misconfigured: one of them is missing or is no YAML, or something else lies among the policies.
    """
    for stray in texts.strays():
        problem = "a policy is read from a file that ends in .yaml, and here is nothing else"
        raise Misconfigured(f"{texts.place()}/{stray}", problem, "Rename it, or move it away.")
    found = {file_of(name): texts.policy(name) for name in texts.names()} | {ROLES: texts.roles()}
    read = files_of(project)
    identities = [IDENTITIES] if read(IDENTITIES) is not None else []
    for path in (*YamlEvaluations(read).paths(), *identities):
        content = read(path)
        if content is None:
            raise Misconfigured(path, "it is missing", "Restore it from the repository.")
        found[_name(path)] = RuleText(path, content)
    if any(_said(text)[1] for name, text in found.items() if _is_policy(name)):
        found[OBJECTIVES] = texts.objectives()
    return RuleSet(
        {name: text.content for name, text in found.items()},
        {name: _said(text)[0] for name, text in found.items()},
    )


@lru_cache(maxsize=256)
def _said(text: RuleText) -> tuple[str, bool]:
    """Return the digest of what a text says, and whether it names objectives; pages ask at each load."""
    values = dict(parse_yaml(text.content, text.place).values)
    return digest_of(values), "objectives" in values


def _name(path: str) -> str:
    """Return the name of a text, below `config/`, of a path below the project."""
    return PurePosixPath("..", path).as_posix() if not path.startswith(CONFIG) else path.removeprefix(CONFIG)


def _is_policy(name: str) -> bool:
    return name.startswith(POLICIES) and name.endswith(END)
