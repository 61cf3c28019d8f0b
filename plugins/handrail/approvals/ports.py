"""What the gates need from the world. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from handrail.approvals.domain.events import Event, History, Rejection
from handrail.approvals.domain.holding import Promotion
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.notes import Checkpoint, Note, Signature, VerifierKey
from handrail.approvals.domain.pages import EVERY, Kept, Listing, Page
from handrail.approvals.domain.people import Directory
from handrail.approvals.domain.permit import PAYLOAD_TYPE, Envelope, Permit
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.standing import Pointed, Promoted
from handrail.approvals.domain.subject import Authorship, Candidate, PromotionRequest
from handrail.manifest import Manifest


class Ledger(Protocol):
    """Requests and their events, append-only and durable."""

    @abstractmethod
    def open(self, request: PromotionRequest) -> History:
        """Store the request unless its id is there already; return what is stored."""

    @abstractmethod
    def append(self, history: History, event: Event) -> History:
        """Store one more event after exactly the events in `history`, durably, and return the longer history.

        It and all that goes with it are one transaction. An intended move holds the alias until done or abandoned.

        Raises:
            MovedMeanwhile: the stored request has other events by now; nothing was stored.
            MoveUnderWay: another request holds the alias; nothing was stored.
        """

    @abstractmethod
    def load(self, request_id: str) -> History:
        """Return a request with all its events, to be judged.

        Raises:
            UnknownReference: there is no such request.
            LogMismatch: what is stored is not what was logged.
        """


class RequestIndex(Protocol):
    """Finds requests."""

    @abstractmethod
    def find(self, *, alias: str | None = None, subject_key: str | None = None) -> Sequence[History]:
        """Return the requests that match, oldest first, to be looked at; nothing is judged by them before a `load`."""

    @abstractmethod
    def promoted(self) -> Sequence[Promoted]:
        """Return the newest promotion of each alias of each model."""

    @abstractmethod
    def promotions(self) -> Sequence[Promotion]:
        """Return what became of every promotion, oldest first; what was held for it and released may be left out."""

    @abstractmethod
    def page(self, after: int, most: int, wanted: Listing = EVERY) -> Page:
        """Return at most `most` requests that are wanted, from a number on."""

    @abstractmethod
    def unfinished(self) -> Sequence[History]:
        """Return the requests whose move is under way, or whose permit is not published, oldest first."""

    @abstractmethod
    def kept_for(self, requester: str) -> Kept:
        """Return what is kept of an account's requests."""

    @abstractmethod
    def rejections(self, tree_digests: Collection[str]) -> Sequence[Rejection]:
        """Return every rejection of one of these trees, under whatever name and version, oldest first."""

    @abstractmethod
    def permit(self, server: str, model: str, alias: str, tree_digest: str | None = None) -> str | None:
        """Return the newest signed permit of an alias, as envelope JSON; for this tree, if one is named."""


class Provenance(Protocol):
    """Who made what on the server, as the server itself saw it."""

    @abstractmethod
    def record(self, kind: str, key: str, account: str) -> None:
        """Remember durably who made a `version`, `run` or `logged_model`, or changed a `path`. Repeating is free."""

    @abstractmethod
    def record_upload(self, sha256: str, account: str) -> None:
        """Remember durably who was the first to upload a file with these bytes; later uploads change nothing."""

    @abstractmethod
    def record_parent(self, run_id: str, parent: str) -> None:
        """Remember durably that a run was once a child of another, whatever is said of it afterwards."""

    @abstractmethod
    def record_all(self, records: Iterable[tuple[str, ...]]) -> None:
        """Remember durably, all or none: each the name of one of the three above with what it is given."""

    @abstractmethod
    def makers(self, candidate: Candidate, manifest: Manifest, approved: Collection[str] = ()) -> Authorship:
        """Return who made the candidate, and the parts whose maker is not recorded.

        Makers are whoever made the version, its logged model, its run, another run with a common ancestor, wrote or
        deleted a file below the tree, or first uploaded the bytes of one. Left out are files that MLflow itself writes
        beside each model, and the sha256 in `approved`: bytes that others have already allowed for the same use.
        """


class Holds(Protocol):
    """What must not change any more, because it was promoted."""

    @abstractmethod
    def hold(self, candidate: Candidate, holder: str) -> None:
        """Hold the version, its model, run, experiment, logged model and files for a holder, durably.

        Repeating changes nothing. For one that was released nothing is held any more.
        """

    @abstractmethod
    def release(self, holder: str, at: datetime, reason: str) -> None:
        """End what is held for a holder, durably and for good; what others hold stays held."""

    @abstractmethod
    def holders(self) -> frozenset[str]:
        """Return everybody for whom something is held."""

    @abstractmethod
    def holder(self, kind: str, key: str) -> str | None:
        """Return the label of a candidate that holds a `version`, `model`, `run`, `experiment` or `logged_model`."""

    @abstractmethod
    def holder_of_path(self, path: str) -> str | None:
        """Return the label of a candidate whose tree is at, above or below an absolute path."""


class Registry(Protocol):
    """The model registry."""

    @abstractmethod
    def candidate(self, model: str, version: str) -> Candidate:
        """Return the version as it is now, with its number in canonical form and its tree as an absolute path.

        Raises:
            UnknownReference: there is no such model or version.
            Refused: its files are where the server cannot keep them from changing.
        """

    @abstractmethod
    def incumbent(self, model: str, alias: str) -> int | None:
        """Return the version that the alias points at, None if at none."""

    @abstractmethod
    def listed_aliases(self) -> Sequence[Pointed]:
        """Return every alias of every registered model and every prompt.

        Raises:
            Unavailable: the registry cannot be read.
        """

    @abstractmethod
    def point(self, model: str, alias: str, version: int) -> None:
        """Make the alias point at the version. Calling it twice changes nothing.

        Raises:
            Unavailable: the registry did not commit it.
        """


class RuleBook(Protocol):
    """Policies and roles as they rule at this moment."""

    @abstractmethod
    def protected(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether an alias has a policy, however spelt; a file that is removed frees nothing."""

    @abstractmethod
    def policy(self, model: str, alias: str, *, prompt: bool = False) -> Policy:
        """Return the policy of an alias, in its folded spelling, of a model or a prompt.

        Raises:
            UnknownReference: it has none.
            Misconfigured: the policy cannot be used as it stands.
        """

    @abstractmethod
    def directory(self) -> Directory:
        """Return the persons and their roles, and the services and their owners.

        Raises:
            Misconfigured: the roles cannot be used as they stand.
        """


class Signer(Protocol):
    """Signs permits with the gate's own key."""

    @abstractmethod
    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Return the payload in an envelope of that type. The same payload gives the same envelope."""


class PermitShelf(Protocol):
    """Where those who serve find permits without asking the server."""

    @abstractmethod
    def put(self, permit: Permit, envelope: str) -> None:
        """Put the permit there under its use and its tree's digest, whole or not at all. Repeating changes nothing."""

    @abstractmethod
    def put_revoked(self, envelope: str) -> None:
        """Put the signed list of permits that were taken back in the place of the one before it."""


class DecisionJournal(Protocol):
    """Reports to the rest of the platform what was promoted."""

    @abstractmethod
    def promoted(self, permit: Permit, envelope: str, moved_at: str) -> None:
        """Report the promotion; `moved_at` is ISO 8601 in UTC. Repeating changes nothing."""


class LeafLog(Protocol):
    """The append-only log of everything that the gate does."""

    @abstractmethod
    def note(self, leaf: Leaf) -> int:
        """Append a leaf durably, and return its number."""

    @abstractmethod
    def checkpoint(self) -> tuple[Checkpoint, bytes]:
        """Return the head of the log and its signature."""

    @abstractmethod
    def read(self, first: int, after: int) -> Sequence[LoggedLeaf]:
        """Return the leaves from `first` up to and without `after`, in order, as they are stored."""


class HeadSigner(Protocol):
    """Signs the heads of the log with a key of its own."""

    @property
    @abstractmethod
    def key(self) -> VerifierKey:
        """The key that verifies; its name is the log's origin."""

    @abstractmethod
    def sign(self, text: str) -> bytes:
        """Return the signature over a checkpoint's text."""

    @abstractmethod
    def holds(self, text: str, signature: bytes) -> bool:
        """Return whether the signature is this key's over the text."""


class Witnesses(Protocol):
    """Others who cosign the log's head if it continues what they saw last."""

    @abstractmethod
    def cosign(self, note: Note, proof: Callable[[int], Sequence[bytes]]) -> tuple[Signature, ...]:
        """Return the valid cosignatures that the checkpoint lacks and could be had now.

        `proof` gives the proof that the log continues its own tree of an older size.
        """


class LogFiles(Protocol):
    """The log as files that others can read while it grows."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Keep other processes from writing while the block runs."""

    @abstractmethod
    def published(self) -> Note | None:
        """Return the last checkpoint that was written, None if there is none."""

    @abstractmethod
    def put(self, leaves: Sequence[LoggedLeaf]) -> None:
        """Write the leaves of one bundle, from its first one on. Repeating changes nothing."""

    @abstractmethod
    def finish(self, before: int, note: Note) -> None:
        """Write what lies above the leaves since the size `before`, and the checkpoint last."""

    @abstractmethod
    def replace_checkpoint(self, note: Note) -> None:
        """Write the checkpoint with other signatures below it."""

    @abstractmethod
    def continues(self, old: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of this size, which is published, begins with that of the old size."""
