"""What a policy demands, and the pure functions that judge evidence and persons against it, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from handrail.approvals.domain.evidence import Evidence, Found, Level, find, merged
from handrail.approvals.domain.expiry import REQUEST_DAYS
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.quorum import Quorum
from handrail.approvals.domain.rights import Action, Glass, Rights
from handrail.approvals.domain.scope import Scope
from handrail.approvals.domain.terms import PermitRules
from handrail.manifest import digest_of

MOST_NAMES, LONGEST_NAME = 8, 40


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound on one number of the evidence of a `level` at least, or the demand that it names certain files.

    `measure` is the name of a piece of evidence and the keys inside it, joined by dots. A rule with
    `if_replacing` counts only while the alias points at another version. With `is_incumbent` the measure has to be
    the digest of the tree that the alias points at, so that a comparison with a weaker model does not count; with
    `is_candidate` that of the version that is asked for, so that a report about other files does not count.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    if_replacing: bool = False
    because: str = ""
    is_incumbent: bool = False
    level: Level = Level.CLAIMED
    is_candidate: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return all that the rule says."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "equals": self.equals}
        return {name: None if bound is None else float(bound) for name, bound in bounds.items()} | {
            "measure": self.measure,
            "if_replacing": self.if_replacing,
            "because": self.because,
            # Only where it is used: the digests of policies from before stay what they were.
            **({"is_incumbent": True} if self.is_incumbent else {}),
            **({"is_candidate": True} if self.is_candidate else {}),
            **({} if self.level is Level.CLAIMED else {"level": str(self.level)}),
        }

    def counts(self, *, replacing: bool) -> bool:
        """Say whether it has to be met; `replacing`: the alias points at another version."""
        return replacing or not self.if_replacing


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold before an alias moves: bounds on evidence, and how many persons of each role must approve.

    With `seen_required` a decision counts only if it carries the digest of the facts that its person was shown, and
    if it is `signed`, only with a signature of its person too.
    `later` are the quorums that follow the first one, each after the one before it is complete. `scope` is what the
    policy is about; it changes nothing of what is demanded of this alias, and is left out of the digest.
    """

    alias: str
    quorum: Quorum
    rules: tuple[Rule, ...]
    permits: PermitRules = PermitRules()
    seen_required: bool = False
    later: tuple[Quorum, ...] = ()
    rights: Rights = Rights()
    request_days: int = REQUEST_DAYS
    scope: Scope | None = field(default=None, compare=False)
    glass: Glass = Glass()
    signed: bool = False
    change: Mapping[str, int] = field(default_factory=dict)

    @property
    def change_quorum(self) -> Mapping[str, int]:
        """How many persons of each role have to approve a change of the policy itself; as said, or its quorum."""
        return self.change or {role: sum(step.get(role, 0) for step in self.steps) for role in sorted(self.deciders)}

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over everything that the policy says; comments in its file do not count."""
        return digest_of(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return all that it demands, and nothing of what holds anyway."""
        rules = [rule.to_json() for rule in self.rules]
        said: dict[str, Any] = {"alias": self.alias, "quorum": dict(self.quorum), "rules": rules}
        # Only where it is used: the digests of policies from before stay what they were.
        more = {
            "permits": self.permits.to_json(),
            "seen": "required" if self.seen_required else None,
            "later": [dict(quorum) for quorum in self.later],
            "rights": self.rights.to_json(),
            "request_days": None if self.request_days == REQUEST_DAYS else self.request_days,
            "change": dict(self.change),
            "glass": self.glass.to_json(),
            "signatures": "per-person" if self.signed else None,
        }
        return said | {name: value for name, value in more.items() if value}

    @property
    def steps(self) -> tuple[Quorum, ...]:
        """The quorums in their order."""
        return (self.quorum, *self.later)

    @property
    def deciders(self) -> frozenset[str]:
        """The roles that approve, in whichever step."""
        return frozenset(role for quorum in self.steps for role in quorum)

    def may(self, action: Action) -> frozenset[str]:
        """Return the roles that may do this, those that approve where the policy names none.

        Without a name nobody may break the glass; and whoever can be named may request, which is an empty set too.
        """
        named = {
            Action.REQUEST: self.rights.request,
            Action.REJECT: self.rights.reject,
            Action.REVOKE: self.permits.revokers,
            Action.ROLL_BACK: self.rights.roll_back,
            Action.BREAK_GLASS: self.rights.break_glass,
        }[action]
        return named if action in (Action.REQUEST, Action.BREAK_GLASS) else named or self.deciders

    @property
    def concerned(self) -> frozenset[str]:
        """The roles by which requests and decisions are judged."""
        return self.deciders | self.may(Action.REJECT) | self.may(Action.REQUEST)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of what a rule measures, and why the rule is not met, if it is not."""

    rule: Rule
    found: Found | None
    failure: str | None

    def to_json(self) -> dict[str, Any]:
        """Return measure, value, level, who answers for it, the wanted level, and whether the rule is met."""
        known: dict[str, Any] = {"value": None, "level": None, "by": None}
        if self.found:
            known = {"value": self.found.value, "level": str(self.found.level), "by": self.found.by}
        return {"measure": self.rule.measure, **known, "wanted": str(self.rule.level), "met": self.failure is None}


def measure_rules(
    policy: Policy,
    evidence: Sequence[Evidence],
    *,
    replacing: bool,
    incumbent_tree: str | None = None,
    candidate_tree: str | None = None,
) -> tuple[Measured, ...]:
    """Hold each rule that counts against the evidence; `replacing`: the alias points elsewhere.

    A measure that is absent or no finite number fails its rule, and so does one of a lower level than the rule's. Of
    several values the most trusted one is judged. `incumbent_tree` is the digest of the tree that the alias points
    at, `sha256:<hex>`, `candidate_tree` that of the version's; while one is unknown, nothing is about it.
    """
    counting = (rule for rule in policy.rules if rule.counts(replacing=replacing))
    return tuple(_measure(rule, evidence, incumbent_tree, candidate_tree) for rule in counting)


def failed_rules(
    policy: Policy, evidence: Sequence[Evidence], *, replacing: bool, incumbent_tree: str | None = None
) -> tuple[str, ...]:
    """Return one sentence for each rule that the evidence does not meet, as `measure_rules` does."""
    measured = measure_rules(policy, evidence, replacing=replacing, incumbent_tree=incumbent_tree)
    return tuple(one.failure for one in measured if one.failure)


def _measure(rule: Rule, evidence: Sequence[Evidence], incumbent: str | None, candidate: str | None) -> Measured:
    known = find(rule.measure, evidence)
    if not known:
        return Measured(rule, None, _absent(rule, merged(evidence)))
    found = known[0]
    if not found.level.reaches(rule.level):
        failure: str | None = f"{_stated(rule, found)}; the policy wants it {rule.level}{_because(rule)}."
    elif rule.is_incumbent:
        failure = _other_than(rule, found, "the alias points at", incumbent)
    elif rule.is_candidate:
        failure = _other_than(rule, found, "the files of the version are", candidate)
    else:
        failure = _out_of_bounds(rule, known)
    return Measured(rule, found, failure)


def _absent(rule: Rule, evidence: Mapping[str, Any]) -> str:
    value: Any = evidence
    above: list[str] = []
    for key in rule.measure.split("."):
        if not isinstance(value, Mapping) or key not in value:
            break
        value = value[key]
        above.append(key)
    where = f"whose {'.'.join(above)!r}" if above else "which"
    remedy = "send it" if rule.level is Level.CLAIMED else f"the policy wants it {rule.level}"
    return f"{rule.measure} is not in the evidence, {where} has {_named(value)}; {remedy}."


def _out_of_bounds(rule: Rule, known: Sequence[Found]) -> str | None:
    value = known[0].value
    if isinstance(value, bool) or not isinstance(value, int | float) or (type(value) is float and not isfinite(value)):
        return f"{_stated(rule, known[0])}, which is not a finite number."
    demands = (
        (rule.at_least, "at least", rule.at_least is not None and value < rule.at_least),
        (rule.at_most, "at most", rule.at_most is not None and value > rule.at_most),
        (rule.equals, "exactly", rule.equals is not None and value != rule.equals),
    )
    broken = [f"{words} {bound:g}" for bound, words, fails in demands if fails and bound is not None]
    if not broken:
        return None
    # What somebody claimed beside a measurement is of interest just where the measurement refuses.
    others = "".join(f" {_shown(other.value)} was {other.source}." for other in known[1:] if other.value != value)
    return f"{_stated(rule, known[0])}; the policy wants {' and '.join(broken)}{_because(rule)}.{others}"


def _stated(rule: Rule, found: Found) -> str:
    return f"{rule.measure} is {_shown(found.value)}, {found.source}"


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value!r:.80}"


def _because(rule: Rule) -> str:
    return f" ({rule.because})" if rule.because else ""


def _named(value: Any) -> str:
    """Return the names that a part of the evidence has, to show beside one that was looked for."""
    if not isinstance(value, Mapping) or not value:
        return "no names"
    names = [f"{str(name)[:LONGEST_NAME]!r}" for name in value]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join(names[:MOST_NAMES] + more)


def _other_than(rule: Rule, found: Found, what: str, tree: str | None) -> str | None:
    if tree is not None and found.value == tree:
        return None
    return f"{_stated(rule, found)}; {what} {tree or 'nothing'}{_because(rule)}."


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
    roles = policy.deciders | policy.may(Action.REJECT)
    return without_role(person, "decide", roles)


def why_no_request(account: str, directory: Directory, policy: Policy) -> str | None:
    """Return why this account may not ask for a promotion under the policy, or None if it may.

    A service asks with the roles of the person who answers for it. Where the policy names no roles, anybody may.
    """
    roles = policy.may(Action.REQUEST)
    if not roles:
        return None
    person = directory.answerable(account)
    if person is None:
        return f"The account {account!r} belongs to nobody in config/roles.yaml; a role has to be given there."
    return without_role(person, "ask for promotions", roles)


def without_role(person: Person, what: str, roles: frozenset[str]) -> str | None:
    """Return that a person holds none of the roles that do this, or None if they hold one."""
    if person.roles & roles:
        return None
    return f"{person.name} holds none of the roles that {what} here: {', '.join(sorted(roles)) or 'none is named'}."


def _as_owner(person: Person, accounts: Iterable[str]) -> str:
    return "" if person.shares_account_with(accounts) else " through a service that they own"
