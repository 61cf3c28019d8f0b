"""What lineage needs from the outside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from handrail.clock import Clock, system_time
from handrail.lineage.domain.callers import TokenRecord
from handrail.lineage.domain.events import LineageEvent
from handrail.lineage.domain.facts import ColumnFact, Facts
from handrail.lineage.domain.flaws import Flaw
from handrail.lineage.domain.graph import DigestConflict, Direction, Node, Pointer, Reachable, Tally, Walk
from handrail.lineage.domain.outbox import QueuedEvent, QueueLength
from handrail.lineage.domain.pipeline import PipelineRecord


class GraphStore(Protocol):
    """Stores the graph. Its state depends on which facts were recorded, never on their order or number.

    The one exception: of several digests of one algorithm for one URI the first recorded is used; all are stored.
    """

    @abstractmethod
    def record(self, facts: Facts, events: Sequence[LineageEvent] = (), sinks: Sequence[str] = ()) -> bool:
        """Unite `facts` with what is stored: durably, all or none. Return whether anything of them was new.

        Only then, and in the same transaction, `events` that represent them are stored as Handrail's own, and new ones
        are queued for each sink. The content of such an event is not read, because `facts` have it.

        Raises:
            CycleRefused: an effect would become its own cause.
            RoleConflict: a URI is stored in another role.
        """

    @abstractmethod
    def facts(self, uris: Sequence[str]) -> Facts:
        """Return what was recorded about these nodes and the hops between them, as one state of the graph."""

    @abstractmethod
    def columns(self, uris: Sequence[str]) -> tuple[ColumnFact, ...]:
        """Return what the columns of these nodes came from, and what came from them, in one order."""

    @abstractmethod
    def walk(self, start: str, direction: Direction, max_nodes: int, depth: int | None = None) -> Walk | None:
        """Return everything reachable from the URI `start`, itself included, as one state of the graph.

        At most `max_nodes` nodes are returned, the nearest, in at most `depth` hops; the edges among them, and whether
        there were more. None if `start` is unknown.
        """

    @abstractmethod
    def tally(self, what: Reachable, kinds: Sequence[str] = ()) -> Tally | None:
        """Count what can be reached, by kind, and name the nodes of some kinds, as one state of the graph.

        None if its start is unknown.
        """

    @abstractmethod
    def page(self, what: Reachable, kinds: Sequence[str], after: str, limit: int) -> tuple[Node, ...]:
        """Return up to `limit` of the nodes that can be reached, in the order of URIs, from beyond the URI `after`.

        Of some kinds, or of all if there are none.
        """

    @abstractmethod
    def find(self, prefix: str, limit: int, after: str = "") -> tuple[str, ...]:
        """Return up to `limit` URIs that begin with `prefix` and come after another, in the order of code points."""

    @abstractmethod
    def with_digest(self, beginning: str, limit: int) -> tuple[str, ...]:
        """Return up to `limit` URIs that were claimed with a digest that begins so, `sha256:9f86`, in their order."""

    @abstractmethod
    def conflicts(self, uris: Sequence[str] | None = None) -> tuple[DigestConflict, ...]:
        """Return the digest conflicts of these nodes, or of all, by URI."""


class PointerLog(Protocol):
    """Stores where moving names pointed, and when. Rows are a set: repeating one changes nothing."""

    @abstractmethod
    def add(self, pointer: Pointer) -> None:
        """Store a row, durably."""

    @abstractmethod
    def at(self, name: str, moment: datetime) -> Pointer | None:
        """Return the last row of `name` at or before `moment`; of several at one moment the greatest target's."""

    @abstractmethod
    def history(self, name: str) -> tuple[Pointer, ...]:
        """Return all rows of `name`, oldest first."""

    @abstractmethod
    def names(self, target: str | None = None) -> tuple[str, ...]:
        """Return every name that was ever set, or ever pointed at a URI, in the order of their code points."""


class PredictionIndex(Protocol):
    """Finds the deployment that made a prediction. Predictions are never nodes."""

    @abstractmethod
    def deployment_of(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction; None if there is no such prediction."""

    @abstractmethod
    def about(self, subject: str, most: int) -> Sequence[str]:
        """Return the ids of the latest predictions about a subject, up to `most`, newest first."""

    @abstractmethod
    def count_predictions(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each deployment URI; an unknown one has 0 or is left out."""

    @abstractmethod
    def money(self, deployments: Sequence[str]) -> Mapping[str, Mapping[str, Decimal]]:
        """Return what feedback says that predictions brought, exactly, by currency, of each deployment URI.

        What was superseded or retracted does not count, nor what was repeated. One without any is left out.
        """


class PipelineReader(Protocol):
    """Reads what a pipeline's last run left behind."""

    @abstractmethod
    def read(self, project: Path, commit: str) -> PipelineRecord:
        """Return the stage runs that the lock file of `project` has at `commit` (40 hex digits).

        Raises:
            Unavailable: there is no lock file.
            InvalidInput: the lock file or the commit cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Stored:
    """The ids of events that are new, and by the id of an event which edges of its run are left out of the graph."""

    new: frozenset[str]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class EventLog(Protocol):
    """Stores events and what follows from them. Its state depends on which events arrived, never on their order.

    The one exception: where edges of several runs close a circle, the first recorded stay.
    """

    @abstractmethod
    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> Stored:
        """Store events of `sender`, their facts and runs, and queue new ones for each sink.

        Durably, all or none. An event that is known changes nothing. An edge by which something would become its own
        cause is left out, what a run read before what it wrote, and is an attribute of the run (`left_out`).

        Raises:
            RoleConflict: a URI is stored in another role.
        """


class TokenRegister(Protocol):
    """Stores hashes of tokens, never a token."""

    @abstractmethod
    def add(self, record: TokenRecord) -> None:
        """Store a record, durably.

        Raises:
            Conflict: there is one of that name.
        """

    @abstractmethod
    def all(self) -> tuple[TokenRecord, ...]:
        """Return every record, by name."""

    @abstractmethod
    def remove(self, name: str) -> bool:
        """Delete the record of that name, durably; return whether there was one."""


class Outbox(Protocol):
    """Stores what is to be forwarded until it is settled. `EventLog.add` fills it."""

    @abstractmethod
    def waiting(self, sink: str, limit: int) -> tuple[QueuedEvent, ...]:
        """Return up to `limit` events that wait for a sink, by time, those of one moment by the rank of their state."""

    @abstractmethod
    def settle(self, sink: str, event_ids: Sequence[str]) -> None:
        """Take events from the queue of a sink, durably. Unknown ids change nothing."""

    @abstractmethod
    def refuse(self, sink: str, event_id: str, reason: str) -> None:
        """Set an event aside with the reason: it no longer waits and is not lost."""

    @abstractmethod
    def retry(self, sink: str) -> int:
        """Let everything that was refused wait again; return how many."""

    @abstractmethod
    def lengths(self) -> tuple[QueueLength, ...]:
        """Return the length of each queue that is not empty, by sink."""


class Transport(Protocol):
    """Reaches one receiver of events."""

    @abstractmethod
    def send(self, event: QueuedEvent) -> None:
        """Send an event and return when the receiver has it. An event may be sent again.

        Raises:
            Refused: the receiver will never take this event.
            Unavailable: it may take it later.
        """

    @abstractmethod
    def close(self) -> None:
        """Release its resources; safe to repeat."""


class GraphAudit(Protocol):
    """Looks for what is wrong in the store."""

    @abstractmethod
    def flaws(self, overdue: datetime) -> tuple[Flaw, ...]:
        """Return every flaw; a run that began before `overdue` should have ended."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Return whether nothing at all is stored."""


@dataclass(frozen=True, slots=True)
class LineagePorts:
    """What lineage needs; `repository` is the name of the project's repository in `dvc://` and `git://` URIs.

    What is recorded is stored as events too, which are forwarded to each of `sinks`. `write_events` returns events that
    represent all of some facts; things without a known time have the time that it is given.
    """

    graph: GraphStore
    pointers: PointerLog
    predictions: PredictionIndex
    pipelines: PipelineReader
    repository: str
    write_events: Callable[[Facts, datetime], tuple[LineageEvent, ...]]
    sinks: tuple[str, ...] = ()
    clock: Clock = system_time
