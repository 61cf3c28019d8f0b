"""What the rules of feedback need from the outside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from handrail.feedback.domain.addresses import Matching, Rival
from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, Material, Scope
from handrail.feedback.domain.parts import Part, Reach, What
from handrail.feedback.domain.plain import PlainEvent, PlainPrediction
from handrail.feedback.domain.quarantine import Held, Reason, Rejected, State, Step
from handrail.feedback.domain.samples import Look, Sampled
from handrail.feedback.domain.snapshots import LabelTable, Snapshot
from handrail.feedback.domain.summaries import Recent
from handrail.feedback.domain.values import Damage, DeploymentRecord, Feedback, Prediction, Receipt, Status

if TYPE_CHECKING:
    import pyarrow as pa


class DeploymentBook(Protocol):
    """Keeps what each deployment serves."""

    @abstractmethod
    def register(self, record: DeploymentRecord) -> None:
        """Keep the record; the same record again changes nothing.

        A deployment known so far only by its predictions gets its facts now, one whose model is known its digest.

        Raises:
            Conflict: the deployment has other facts already.
        """

    @abstractmethod
    def all(self) -> tuple[DeploymentRecord, ...]:
        """Return every deployment, those known only by their predictions included, sorted by URI."""


class PredictionLog(Protocol):
    """Keeps predictions, permanently and unchanged."""

    @abstractmethod
    def append(self, rows: Sequence[Prediction]) -> Receipt:
        """Keep all rows durably in one transaction, or none.

        A known id with the same body digest is counted as repeated; with another one, the new body goes to
        quarantine (once) and its id into the receipt. A deployment not registered yet is accepted.
        """

    @abstractmethod
    def find(self, prediction_id: str) -> Prediction | None:
        """Return the prediction, or None."""

    @abstractmethod
    def rivals(self, subject: str) -> tuple[Rival, ...]:
        """Return every prediction about a subject, in any order."""

    @abstractmethod
    def made_by(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction, or None: `find` for those who ask often."""

    @abstractmethod
    def count(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each of these deployments; an unknown one has 0."""


Row = Prediction | Feedback | PlainPrediction | PlainEvent | Rejected
"""What is recorded, as a value or as plain values, or set aside."""


class Intake(Protocol):
    """The one way into both logs and into quarantine."""

    @abstractmethod
    def keep(self, rows: Sequence[Row]) -> Receipt:
        """Keep all rows durably, or none: what is good in its log, what is rejected in quarantine.

        They may share a transaction with the rows of other callers, whose errors do not touch them. Repeats and
        conflicts are as in `PredictionLog.append`; a refusal counts its place from 0 in `rows`.

        Raises:
            Busy: too much waits to be written; nothing of these rows was taken.
            Unavailable: the store is not there.
        """

    @abstractmethod
    def keep_events(self, sifted: SiftedEvents) -> Receipt:
        """Keep many events by columns in a transaction of their own, with the same promises."""


class EventLog(Protocol):
    """Keeps feedback events, permanently and unchanged."""

    @abstractmethod
    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none; repeats and conflicts as in `PredictionLog.append`.

        An event is kept whether or not its prediction is known. One that is known and is sent again with an earlier
        `received_at` counts as received then, from now on: the earliest counts, in whatever order they arrive.
        """

    @abstractmethod
    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return every event that names a prediction by its id, in any order."""

    @abstractmethod
    def naming(self, subject: str) -> tuple[Feedback, ...]:
        """Return every event that names a subject and no prediction, in any order."""


class LogReader(Protocol):
    """Reads both logs as they stood at a mark."""

    @abstractmethod
    def mark(self) -> Mark:
        """Return a mark at or above everything acknowledged before; nothing written later falls below it."""

    @abstractmethod
    def read(self, scope: Scope, upto: Mark, matching: Matching = "latest") -> Material:
        """Return the rows of a scope at or below the mark; the same arguments always give the same rows.

        An event that names a business key is about the predictions that `domain.addresses.resolve` finds among all
        that were made by the as-of time, whether or not they are in the scope; it comes once for each in the scope.
        """

    @abstractmethod
    def events_about(
        self, kind: str, deployments: Sequence[str], matching: Matching = "latest"
    ) -> Iterable[tuple[str, EventRow]]:
        """Return every event of a kind about predictions of these deployments, each with its deployment's URI."""


class Sampler(Protocol):
    """Reads a part of both logs that represents all of it, in a bounded time."""

    @abstractmethod
    def sample(self, look: Look) -> Sampled:
        """Return every prediction of the look if the log is short, else about `look.most`, evenly over the log.

        With them comes every event of the kind about them that was known at the look's as-of time. The same log gives
        the same sample.
        """


class SnapshotBook(Protocol):
    """Keeps the manifests of snapshots."""

    @abstractmethod
    def save(self, snapshot: Snapshot) -> Snapshot:
        """Keep the manifest and return it; if its digest is kept already, return that older one."""

    @abstractmethod
    def all(self) -> tuple[Snapshot, ...]:
        """Return every snapshot, sorted by digest."""

    @abstractmethod
    def find(self, digest: str) -> Snapshot | None:
        """Return the snapshot of that digest, or None."""


class LabelWriter(Protocol):
    """Writes labels into a file."""

    @abstractmethod
    def write(self, table: LabelTable, path: Path) -> None:
        """Write the table in one step: the file is complete or what it was. Equal tables give equal bytes.

        Raises:
            Unavailable: the file cannot be written.
        """


class Auditor(Protocol):
    """Looks over the whole log."""

    @abstractmethod
    def status(self) -> Status:
        """Count everything."""

    @abstractmethod
    def damages(self) -> tuple[Damage, ...]:
        """Return every row that was altered since it was recorded, as far as its digest or another row shows it."""


class QuarantineBook(Protocol):
    """Keeps what could not be recorded, and conflicts of ids, always unchanged, and what a person made of each."""

    @abstractmethod
    def add(self, rows: Sequence[Rejected], at: datetime) -> None:
        """Keep rows durably; the same row for the same reason once."""

    @abstractmethod
    def held(self, limit: int, state: State | None, reason: Reason | None) -> tuple[Held, ...]:
        """Return the newest rows, newest first; of one state and reason, or of all if None."""

    @abstractmethod
    def find(self, number: int) -> Held | None:
        """Return the row of that number, or None."""

    @abstractmethod
    def step(self, step: Step) -> None:
        """Keep durably what became of a row; of several steps the last counts."""


class LabelReader(Protocol):
    """Reads cohorts by columns."""

    @abstractmethod
    def tables(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[pa.Table]:
        """Yield what `domain.cohorts.build_cohort` returns for the rows at or below the mark, part by part.

        The columns and their order are those of `Cohort`; `made_at` and `label` have their types `timestamp[us, UTC]`
        and `double`. Rows come ordered by (made_at, prediction_id), each table later than the one before; none is
        empty. However large the scope is, no more than some hundred thousand rows are held at once, as far as the log
        is in parts.

        Raises:
            MissingTool: pyarrow is not installed.
        """


class PartSource(Protocol):
    """Reads rows of the log for parts."""

    @abstractmethod
    def rows(self, reach: Reach, most: int) -> Sequence[tuple[Any, ...]]:
        """Return the first rows of a reach, at most so many, by their numbers.

        A row has its number, the moment that gives its day, its deployment's number and URI, and then the columns of
        its part; an event whose prediction is not known has `LOOSE` and no URI. Moments are microseconds since 1970.
        """

    @abstractmethod
    def count(self, reach: Reach) -> int:
        """Return how many rows of the log a reach has."""

    @abstractmethod
    def heard_earlier(self, scope: Scope, upto: Mark) -> Sequence[str]:
        """Return the ids of events of a kind known in time by an earlier arrival alone, at or below the mark."""


class PartBook(Protocol):
    """Keeps which files hold which rows."""

    @abstractmethod
    def all(self) -> tuple[Part, ...]:
        """Return every part, sorted by path."""

    @abstractmethod
    def record(self, parts: Sequence[Part], instead_of: Sequence[Part] = ()) -> None:
        """Keep parts durably, all or none, in the place of those others."""


class PartFolder(Protocol):
    """Keeps the files of parts."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """Wait until no other compaction works in the folder, and keep others waiting while the block runs."""

    @abstractmethod
    def write(self, what: What, rows: Sequence[tuple[Any, ...]]) -> tuple[Part, ...]:
        """Write rows as parts, each file whole and on disk; the same rows give the same files under the same names.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: the disk is full, or the folder cannot be written.
        """

    @abstractmethod
    def problem_of(self, part: Part) -> str | None:
        """Return why a part's file cannot be trusted: missing, altered, of other rows than its record says; or None."""

    @abstractmethod
    def keep_only(self, parts: Sequence[Part]) -> None:
        """Remove every file of a part but these."""


class Pulse(Protocol):
    """Counts what came lately."""

    @abstractmethod
    def recorded(self) -> Mapping[What, int]:
        """Return how many rows each log holds."""

    @abstractmethod
    def recent(self, as_of: datetime, most: int) -> Recent:
        """Return in a bounded time what the newest rows say at a moment, `most` of each log at most.

        Predictions count by when they were made, feedback by when its row says that it was received.
        """
