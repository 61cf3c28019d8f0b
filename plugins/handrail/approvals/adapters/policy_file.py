"""The keys of a policy's YAML text, and the policy that they mean."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, field_validator, model_validator

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.expiry import REQUEST_DAYS
from handrail.approvals.domain.formats import RunsCode
from handrail.approvals.domain.people import RoleName, folded
from handrail.approvals.domain.policy import Policy, Rule
from handrail.approvals.domain.requirements import lineage_rules, reproduction_rules
from handrail.approvals.domain.rights import Glass, Rights
from handrail.approvals.domain.scope import EVERY, Scope
from handrail.approvals.domain.terms import DAYS, PermitRules
from handrail.approvals.rule_ports import RuleText
from handrail.config import Mistake, Section, mistaken, parse_config, parse_yaml
from handrail.errors import Misconfigured
from handrail.objectives import Objective, parse_objectives

REMEDY = "Correct the file."
MEASURED = ("evaluation", "comparison", "fairness")
"""Names of evidence that the gate's evaluator computes."""
NO_WILDCARDS = "[]{}\\"


def _as_pattern(text: str) -> str:
    if any(character in text for character in NO_WILDCARDS):
        raise ValueError("expected a name in which nothing but * and ? means other characters")
    return text


Bound = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(ge=1, le=20, strict=True)]
Pattern = Annotated[str, Field(strict=True, pattern=r"\S", max_length=256), AfterValidator(_as_pattern)]
Patterns = Annotated[list[Pattern], Field(min_length=1)]
Roles = Annotated[list[RoleName], Field(min_length=1)]
QuorumKeys = Annotated[dict[RoleName, Count], Field(min_length=1)]


class RuleKeys(Section):
    """One rule of a policy."""

    measure: Annotated[str, Field(pattern=r"\.", description="like evaluation.roc_auc")]
    at_least: Bound | None = None
    at_most: Bound | None = None
    equals: Bound | None = None
    is_incumbent: StrictBool = False
    is_candidate: StrictBool = False
    if_replacing: StrictBool = False
    because: str = ""
    level: Level | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        bounds = [name for name in ("at_least", "at_most", "equals") if name in self.model_fields_set]
        for name in bounds:
            if getattr(self, name) is None:
                raise ValueError(f"{name} is empty, expected a finite number")
        if [bool(bounds), self.is_incumbent, self.is_candidate].count(True) != 1:
            raise ValueError("it needs at_least, at_most or equals, or else is_incumbent or is_candidate")
        return self

    def rule(self) -> Rule:
        """Return what it says; without a level quality and comparison have to be recomputed."""
        return Rule(**self.model_dump() | {"level": self.level or Level.RECOMPUTED})

    @property
    def names_quality(self) -> bool:
        """Whether the measure is one that the gate's evaluator computes."""
        return self.measure.split(".")[0] in MEASURED


class RequireKeys(Section):
    """What a policy requires by one word; `level` is that of the reproduction."""

    lineage: Literal["complete"] | None = None
    reproduction: Literal["equal"] | None = None
    level: Literal["claimed", "bound", "attested"] | None = None

    @model_validator(mode="after")
    def _requires_something(self) -> Self:
        if self.reproduction is None and self.lineage is None:
            raise ValueError("it requires nothing, expected lineage: complete or reproduction: equal")
        if self.level is not None and self.reproduction is None:
            raise ValueError("its level is that of a reproduction, which it does not require")
        return self

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it means."""
        reproduced = reproduction_rules(Level(self.level or Level.BOUND)) if self.reproduction else ()
        return (lineage_rules() if self.lineage else ()) + reproduced


class PolicyFile(Section):
    """One policy; in version 1 rules had no level, and everything was claimed."""

    version: Literal[1, 2]
    alias: str | None = None
    aliases: Patterns | None = None
    models: Patterns | None = None
    prompts: Patterns | None = None
    quorum: QuorumKeys | None = None
    steps: Annotated[list[QuorumKeys], Field(min_length=1)] | None = None
    rules: list[RuleKeys] = []
    objectives: Annotated[list[str], Field(min_length=1)] | None = None
    require: RequireKeys | None = None
    permit_days: Annotated[int, Field(ge=1, le=3660, strict=True)] = DAYS
    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    formats: list[RunsCode] = []
    revoke: list[RoleName] = []
    request_days: Annotated[int, Field(ge=1, le=3660, strict=True)] = REQUEST_DAYS
    seen: Literal["required"] | None = None
    signatures: Literal["per-person"] | None = None
    request: Roles | None = None
    reject: Roles | None = None
    roll_back: Roles | None = None
    break_glass: Roles | None = None
    change: QuorumKeys | None = None
    break_glass_hours: Annotated[int, Field(ge=1, le=720, strict=True)] = Glass().hours
    break_glass_by_makers: StrictBool = False

    @model_validator(mode="after")
    def _says_one_of_two(self) -> Self:
        for one, other in (("alias", "aliases"), ("quorum", "steps")):
            said = [name for name in (one, other) if getattr(self, name) is not None]
            if len(said) != 1:
                problem = "is missing" if not said else f"stands beside {other!r}, which says the same in another way"
                raise mistaken(Mistake((one,), problem, f"Write {one!r} or {other!r}."))
        return self

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

    @field_validator("require")
    @classmethod
    def _has_levels(cls, require: RequireKeys | None, info: ValidationInfo) -> RequireKeys | None:
        if require is not None and info.data.get("version") == 1:
            raise ValueError("it belongs to version 2, in which rules have levels")
        return require

    @property
    def scope(self) -> Scope:
        """What it is about: every model, unless it names some, or nothing but prompts."""
        models = self.models or ([] if self.prompts else [EVERY])
        return Scope(tuple(self.aliases or [self.alias or ""]), tuple(models), tuple(self.prompts or ()))

    def policy(self, alias: str, wanted: tuple[Rule, ...] = ()) -> Policy:
        """Return what it demands before this alias moves, together with the rules of its objectives."""
        first, *later = (
            {str(role): count for role, count in step.items()} for step in self.steps or [self.quorum or {}]
        )
        return Policy(
            alias,
            first,
            self._rules_of_its_version() + wanted + (self.require.rules if self.require else ()),
            PermitRules(self.permit_days, self.environment, frozenset(self.formats), frozenset(self.revoke)),
            seen_required=self.seen is not None,
            later=tuple(later),
            rights=Rights(
                *(frozenset(named or ()) for named in (self.request, self.reject, self.roll_back, self.break_glass))
            ),
            request_days=self.request_days,
            change={str(role): count for role, count in (self.change or {}).items()},
            glass=Glass(self.break_glass_hours, self.break_glass_by_makers),
            scope=self.scope,
            signed=self.signatures is not None,
        )

    def _rules_of_its_version(self) -> tuple[Rule, ...]:
        rules = (keys.rule() for keys in self.rules)
        return tuple(rules if self.version > 1 else (replace(rule, level=Level.CLAIMED) for rule in rules))


def read_policy(text: RuleText, name: str) -> PolicyFile:
    """Return what a policy's text says.

    Raises:
        Misconfigured: it cannot be used, or its `alias` is not what the text is called.
    """
    content = parse_config(text.content, PolicyFile, shown=text.place, remedy=REMEDY)
    if content.alias is not None and content.alias != name:
        remedy = f"Rename the file to {content.alias}.yaml, or write 'aliases', which may stand in any file."
        raise Misconfigured(text.place, f"'alias' must be {name!r}, as the file is called", remedy)
    return content


def rules_of_objectives(text: RuleText, names: Iterable[str], place: str) -> tuple[Rule, ...]:
    """Return a rule for each named objective: its measure, recomputed by the gate, is on the good side of its target.

    A comparison counts only while there is something to compare with. `place` is the policy's.

    Raises:
        Misconfigured: an objective is unknown, or has no measure.
    """
    known = parse_objectives(text.content, text.place)
    return tuple(_rule_of(name, known, text, place) for name in names)


def _rule_of(name: str, known: Mapping[str, Objective], text: RuleText, place: str) -> Rule:
    objective = known.get(name)
    if objective is None:
        remedy = f"Write one of: {', '.join(known) or 'none is there'}."
        raise Misconfigured(place, f"'objectives' names {name!r}, which {text.place} does not have", remedy)
    if objective.measure is None:
        problem = f"'objectives' names {name!r}, whose figure is not known before a promotion"
        raise Misconfigured(place, problem, f"Give it a measure in {text.place}, or leave it to monitoring.")
    is_least = objective.kind == "at-least"
    return Rule(
        objective.measure,
        at_least=objective.target if is_least else None,
        at_most=None if is_least else objective.target,
        if_replacing=objective.measure.startswith("comparison."),
        because=f"the objective {name} of {objective.owner}",
        level=Level.RECOMPUTED,
    )


def scope_at_least(text: RuleText | None, name: str) -> Scope:
    """Return what a text that cannot be used is about: what it says of that as far as it can be read.

    Whatever it does not say is taken as widely as it could be meant, and the alias is called like the text.
    """
    try:
        said = parse_yaml(text.content, text.place).values if text else {}
    except Misconfigured:
        said = {}
    aliases = _texts(said.get("aliases")) or _texts([said.get("alias")]) or (name,)
    prompts = _texts(said.get("prompts"))
    return Scope(aliases, _texts(said.get("models")) or (() if prompts else (EVERY,)), prompts)


def _texts(found: object) -> tuple[str, ...]:
    listed = found if isinstance(found, list) else [found]
    return tuple(each for each in listed if isinstance(each, str) and folded(each))
