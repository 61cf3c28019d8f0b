"""A promotion request: what it binds, what happened to it, and the verdict that follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import Policy, failed_rules, missing_roles, why_not_eligible
from handrail.manifest import Manifest, digest_of


class Choice(StrEnum):
    """What a person says to a request."""

    APPROVE = "approve"
    REJECT = "reject"


class Verdict(StrEnum):
    """Where a request stands."""

    REFUSED = "refused"
    VOID = "void"
    REJECTED = "rejected"
    PENDING = "pending"
    APPROVED = "approved"
    PROMOTED = "promoted"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered model version as the registry holds it now.

    `epoch` is the creation time of the registered model and `created` that of the version, both in
    milliseconds: name and version alone come again after a delete. `tree` is where the files lie.
    """

    model: str
    epoch: int
    version: int
    created: int
    tree: str
    run_id: str | None = None
    experiment_id: str | None = None
    logged_model_id: str | None = None

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"version {self.version} of {self.model!r}"

    @property
    def key(self) -> str:
        """What stays different when a name or a number comes again."""
        return f"{self.model}/{self.epoch}/{self.version}/{self.created}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that a decision is about. A change of any field makes it a decision about something else."""

    server: str
    model: str
    epoch: int
    version: int
    created: int
    alias: str
    tree_digest: str
    policy_digest: str
    evidence: Mapping[str, str]
    incumbent: int | None

    def to_json(self) -> dict[str, Any]:
        """Return all fields; evidence as name to digest."""
        return {name: getattr(self, name) for name in self.__slots__} | {"evidence": dict(self.evidence)}

    @property
    def key(self) -> str:
        """The same for each request about this candidate, evidence and policy, whatever the alias points at."""
        return digest_of({name: value for name, value in self.to_json().items() if name != "incumbent"})

    def request_id(self, turn: int) -> str:
        """Return the id of the `turn`-th request about this subject."""
        return "pr-" + digest_of(self.to_json() | {"turn": turn}).removeprefix("sha256:")[:20]

    def changes_since(self, bound: Subject) -> tuple[str, ...]:
        """Return one sentence for each part of `bound` that differs from this, the present state."""
        words = {
            "server": "the server",
            "model": "the model's name",
            "epoch": "the registered model (it was made anew)",
            "version": "the version",
            "created": "the version (it was made anew)",
            "alias": "the alias",
            "tree_digest": "the files of the version",
            "policy_digest": "the policy",
            "evidence": "the evidence",
            "incumbent": "the version that the alias points at",
        }
        return tuple(
            f"Since the request was opened, {words[name]} changed: {was!r} became {value!r}."
            for name, value in self.to_json().items()
            if (was := bound.to_json()[name]) != value
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """A person said yes or no."""

    at: datetime
    account: str
    person: str
    choice: Choice
    reason: str


@dataclass(frozen=True, slots=True)
class Voided:
    """Something that the request binds changed; its decisions count no more."""

    at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoveIntended:
    """The gate is about to move the alias; `statement` is the permit that will be signed."""

    at: datetime
    statement: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MoveDone:
    """The registry has committed the move, and the permit is signed."""

    at: datetime
    envelope: str


@dataclass(frozen=True, slots=True)
class MoveAbandoned:
    """The intended move was given up before the registry committed it."""

    at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The permit lies in its folder and lineage knows the promotion."""

    at: datetime


Event = Decided | Voided | MoveIntended | MoveDone | MoveAbandoned | Published


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """A wish to move an alias, with all that it rests on; `incumbent_tree` is None unless the policy asks for it."""

    request_id: str
    turn: int
    subject: Subject
    manifest: Manifest
    evidence: Mapping[str, Any]
    run_id: str | None
    authors: tuple[str, ...]
    requester: str
    reason: str
    opened_at: datetime
    incumbent_tree: str | None = None

    @property
    def label(self) -> str:
        """What is asked for, for people."""
        return f"{self.subject.alias!r} of {self.subject.model!r} to version {self.subject.version}"


@dataclass(frozen=True, slots=True)
class History:
    """A request and everything that happened to it, in order."""

    request: PromotionRequest
    events: tuple[Event, ...] = field(default=())

    def then(self, event: Event) -> History:
        """Return the history with one more event."""
        return replace(self, events=(*self.events, event))

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """The last decision of each person, in the order in which they first decided."""
        last = {event.person: event for event in self.events if isinstance(event, Decided)}
        return tuple(last.values())

    @property
    def voided(self) -> Voided | None:
        """Why the decisions count no more, if something bound changed."""
        return next((event for event in self.events if isinstance(event, Voided)), None)

    @property
    def done(self) -> MoveDone | None:
        """The finished move, if there is one."""
        return next((event for event in self.events if isinstance(event, MoveDone)), None)

    @property
    def open_move(self) -> MoveIntended | None:
        """The intended move that neither happened nor was given up."""
        moves = [event for event in self.events if isinstance(event, MoveIntended | MoveDone | MoveAbandoned)]
        return moves[-1] if moves and isinstance(moves[-1], MoveIntended) else None

    @property
    def is_published(self) -> bool:
        """Whether permit folder and lineage have the promotion."""
        return any(isinstance(event, Published) for event in self.events)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and whose approvals count."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    approvers: tuple[Decided, ...] = ()


def judge(history: History, policy: Policy, directory: Directory) -> Judgement:
    """Say where a request stands under this policy with these roles. Whatever is not clearly allowed is not."""
    if history.done:
        return Judgement(Verdict.PROMOTED, approvers=_approvals(history))
    if history.voided:
        return Judgement(Verdict.VOID, history.voided.reasons)
    rejections = tuple(
        f"{decision.person} rejected it: {decision.reason}"
        for decision in history.decisions
        if decision.choice is Choice.REJECT
    )
    if rejections:
        return Judgement(Verdict.REJECTED, rejections)
    subject = history.request.subject
    failures = _unknown_makers(history.request, directory) + failed_rules(
        policy,
        history.request.evidence,
        replacing=subject.incumbent is not None,
        incumbent_tree=history.request.incumbent_tree,
    )
    if policy.digest != subject.policy_digest or policy.alias != subject.alias:
        failures += ("The request was opened under another policy.",)
    if failures:
        return Judgement(Verdict.REFUSED, failures)
    return _judge_quorum(history, policy, directory)


def _judge_quorum(history: History, policy: Policy, directory: Directory) -> Judgement:
    counted = [
        (decision, person)
        for decision in _approvals(history)
        if (person := _voter(decision, history, policy, directory))
    ]
    missing = missing_roles(policy.quorum, [person for _, person in counted])
    approvers = tuple(decision for decision, _ in counted)
    if not missing:
        return Judgement(Verdict.APPROVED, approvers=approvers)
    reasons = tuple(f"It still needs the approval of {count} {role}." for role, count in sorted(missing.items()))
    return Judgement(Verdict.PENDING, reasons, approvers)


def _approvals(history: History) -> tuple[Decided, ...]:
    return tuple(decision for decision in history.decisions if decision.choice is Choice.APPROVE)


def _voter(decision: Decided, history: History, policy: Policy, directory: Directory) -> Person | None:
    person = directory.person_behind(decision.account)
    if person is None or person.name != decision.person:
        return None
    request = history.request
    refusal = why_not_eligible(decision.account, person, policy, request.authors, request.requester)
    return None if refusal else person


def _unknown_makers(request: PromotionRequest, directory: Directory) -> tuple[str, ...]:
    if not request.authors:
        return (
            f"Nobody is recorded as the author of version {request.subject.version}; register it again on this server.",
        )
    unknown = [account for account in (*request.authors, request.requester) if not directory.person_behind(account)]
    return tuple(
        f"The account {account!r} made or asked for this and belongs to nobody in config/roles.yaml; name its person."
        for account in dict.fromkeys(unknown)
    )
