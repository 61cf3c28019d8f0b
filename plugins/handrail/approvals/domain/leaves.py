"""What the log says of each thing that happened: one leaf, canonical JSON, with digests in the place of contents.

A leaf names its own place, so that a leaf that was moved says so itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.approvals.domain.events import Answered, Decided, Event, MoveDone
from handrail.approvals.domain.subject import PromotionRequest, Purpose
from handrail.approvals.domain.tiles import MOST_LEAF_BYTES
from handrail.errors import InvalidInput
from handrail.manifest import canonical_json, digest_of_bytes

FORMAT = 1
OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing that happened: to a request at a position of its history, or to the gate itself.

    `facts` are small and say who and what; what is large or somebody's words is in them by its digest.
    """

    kind: str
    at: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    position: int | None = None

    def content(self, number: int) -> bytes:
        """Return the leaf's bytes at its place in the log.

        Raises:
            InvalidInput: it is too long for the log.
        """
        about = {} if self.request_id is None else {"request_id": self.request_id}
        place = {} if self.position is None else {"position": self.position}
        content = canonical_json(
            {"format": FORMAT, "number": number, "kind": self.kind, "at": self.at, "facts": dict(self.facts)}
            | about
            | place
        )
        if len(content) > MOST_LEAF_BYTES:
            raise InvalidInput(
                f"leaf {self.kind!r}",
                f"it has {len(content):,} bytes, and the log takes {MOST_LEAF_BYTES:,}",
                "Shorten the names in it.",
            )
        return content


def opening_leaf(request: PromotionRequest, body: str, row: int) -> Leaf:
    """Return the leaf of a request that was opened; `body` and `row` are what is stored and under which number."""
    subject = request.subject
    names = ("server", "model", "epoch", "version", "created", "alias", "tree_digest", "policy_digest", "incumbent")
    facts = {name: getattr(subject, name) for name in names}
    if subject.purpose is not None:
        facts |= {"purpose": str(subject.purpose), "about": subject.about}
        facts |= {"alarm": True} if subject.purpose in (Purpose.BREAK_GLASS, Purpose.REVERT) else {}
    facts |= {"requester": request.requester, "body": digest_of_bytes(body.encode("utf-8")), "row": row}
    return Leaf(OPENED, request.opened_at.isoformat(), facts, request.request_id)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its kind and body as they are stored, and the number of the permit that goes with it, if any."""

    kind: str
    event: Event
    body: str
    row: int | None = None

    def leaf(self, request_id: str, position: int) -> Leaf:
        """Return the leaf of the event."""
        event = self.event
        facts: dict[str, Any] = {"body": digest_of_bytes(self.body.encode("utf-8"))}
        if isinstance(event, Decided):
            facts |= {"account": event.account, "person": event.person, "choice": str(event.choice)}
            facts |= {} if event.seen is None else {"seen": event.seen}
            facts |= {} if event.signature is None else {"signature": event.signature.to_json()}
        if isinstance(event, Answered):
            facts |= {"account": event.account, "person": event.person, "question": event.question}
        if isinstance(event, MoveDone):
            facts |= {"permit": digest_of_bytes(event.envelope.encode("utf-8")), "row": self.row}
        return Leaf(self.kind, event.at.isoformat(), facts, request_id, position)


@dataclass(frozen=True, slots=True)
class LoggedLeaf:
    """A leaf as it is stored, with the proof and the signature that show it to be the last one of its moment's tree."""

    number: int
    request_id: str | None
    position: int | None
    content: bytes
    hash: bytes
    proof: tuple[bytes, ...]
    signature: bytes
