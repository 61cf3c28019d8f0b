"""What happens to a promotion request, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.evidence import Evidence, Level
from handrail.approvals.domain.signatures import PersonSignature
from handrail.approvals.domain.subject import PromotionRequest

FORETOLD = "prospective"
"""The name of what was measured on rows that were foretold."""


class Choice(StrEnum):
    """What a person says about a request; whoever asks has not approved, whatever they said before."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Decided:
    """A person approved, rejected, or asked what `reason` says.

    `seen` is the digest of the facts that they were shown, None if none was sent; `signature` is their own, under what
    `DecisionText` says of it.
    """

    at: datetime
    account: str
    person: str
    choice: Choice
    reason: str
    seen: str | None = None
    signature: PersonSignature | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Whoever asks for the promotion, or made the version, answered the question with this number, from 1 on."""

    at: datetime
    account: str
    person: str
    question: int
    answer: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The gate's own evaluator has measured the candidate, or `problem` says in a sentence why it could not.

    `measures` are numbers by the names that policies use; `snapshot` is the digest of the labelled rows, and
    `custodians` are the accounts that handed them in, `confirmed` the persons who confirmed them, None where nobody
    had to. `plan` is the digest of what config/evaluation.yaml asked for,
    `scores` that of all scores, and `isolation` says what the evaluator could not reach. `cases` are both versions on
    the same cases, as `read_cases` returns them; None in events from before they were looked at.
    """

    at: datetime
    snapshot: str
    problem: str | None = None
    measures: Mapping[str, Any] = field(default_factory=dict)
    custodians: tuple[str, ...] = ()
    plan: str | None = None
    scores: str | None = None
    isolation: Mapping[str, Any] = field(default_factory=dict)
    confirmed: tuple[str, ...] | None = None
    cases: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Voided:
    """Something that the request binds changed; its decisions do not count any more."""

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
    """The intended move was abandoned before the registry committed it."""

    at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The permit is in its folder and lineage has the promotion."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    """A person took the permit back; nothing is loaded under it any more."""

    at: datetime
    account: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reverting:
    """The gate goes back by itself; `approvals` let the version be promoted before: person, account and moment."""

    at: datetime
    approvals: tuple[Mapping[str, str], ...]


Event = (
    Decided | Answered | Evaluated | Voided | MoveIntended | MoveDone | MoveAbandoned | Published | Revoked | Reverting
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A person rejected a tree, in this request."""

    tree_digest: str
    request_id: str
    person: str
    reason: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        """Return all fields as JSON values."""
        return {
            "tree_digest": self.tree_digest,
            "request_id": self.request_id,
            "person": self.person,
            "reason": self.reason,
            "at": self.at.isoformat(),
        }


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
    def said(self) -> tuple[Decided, ...]:
        """Every decision in its order, those too that the same person replaced later."""
        return tuple(event for event in self.events if isinstance(event, Decided))

    @property
    def evaluated(self) -> Evaluated | None:
        """What the gate's own evaluator found, if it has been at work."""
        return next((event for event in reversed(self.events) if isinstance(event, Evaluated)), None)

    @property
    def awaits_evaluation(self) -> bool:
        """Whether labelled rows were named and the evaluator has not answered."""
        return self.request.subject.snapshot is not None and self.evaluated is None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence, each with its level and who answers for it."""
        request = self.request
        sent = {
            name: content
            for name, content in request.evidence.items()
            if name not in {**request.bound, **request.attested}
        }
        files = (
            Evidence(Level.BOUND, ", ".join(source.writers) or "nobody known", {name: request.evidence[name]})
            for name, source in request.bound.items()
        )
        signed = (
            Evidence(Level.ATTESTED, source.answerable, {name: request.evidence[name]})
            for name, source in request.attested.items()
        )
        claimed = Evidence(Level.CLAIMED, request.requester, sent)
        found = (Evidence(Level.RECOMPUTED, "the gate", measures) for measures in self._found())
        return (claimed, *files, *signed, *found, *self._foretold())

    def _foretold(self) -> Iterator[Evidence]:
        """Yield what the gate measured on rows that were foretold."""
        if self.evaluated is not None and self.evaluated.problem is None and FORETOLD in self.evaluated.measures:
            content = {FORETOLD: self.evaluated.measures[FORETOLD]}
            yield Evidence(Level.PROSPECTIVE, "the gate", content)

    def _found(self) -> Iterator[Mapping[str, Any]]:
        """Yield what the gate found itself: by its evaluator, and in lineage."""
        if self.evaluated is not None and self.evaluated.problem is None:
            yield {name: found for name, found in self.evaluated.measures.items() if name != FORETOLD}
        if self.request.traced is not None:
            yield {"lineage": self.request.traced.to_json()}

    @property
    def voided(self) -> Voided | None:
        """Why the decisions do not count any more, if something bound changed."""
        return next((event for event in self.events if isinstance(event, Voided)), None)

    @property
    def done(self) -> MoveDone | None:
        """The finished move, if there is one."""
        return next((event for event in self.events if isinstance(event, MoveDone)), None)

    @property
    def open_move(self) -> MoveIntended | None:
        """The intended move that is neither done nor abandoned."""
        moves = [event for event in self.events if isinstance(event, MoveIntended | MoveDone | MoveAbandoned)]
        return moves[-1] if moves and isinstance(moves[-1], MoveIntended) else None

    @property
    def revoked(self) -> Revoked | None:
        """Who took the permit back, if somebody did."""
        return next((event for event in self.events if isinstance(event, Revoked)), None)

    @property
    def reverting(self) -> Reverting | None:
        """Whose approvals the gate goes back by, if it does so by itself."""
        return next((event for event in self.events if isinstance(event, Reverting)), None)

    @property
    def is_published(self) -> bool:
        """Whether permit folder and lineage have the promotion."""
        return any(isinstance(event, Published) for event in self.events)
