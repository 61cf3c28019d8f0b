"""Fakes of every port of the feedback plugin, and examples of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, SupportsFloat, TypeVar

from handrail.clock import system_time
from handrail.errors import Conflict, Unavailable
from handrail.feedback.adapters.pyarrow_cohorts import PlainLabels
from handrail.feedback.adapters.sorted_rows import SortedRows
from handrail.feedback.domain.addresses import Matching, Rival
from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, Material, Scope
from handrail.feedback.domain.plain import PlainEvent, PlainPrediction, event_of, prediction_of
from handrail.feedback.domain.quarantine import Refusal, Rejected
from handrail.feedback.domain.snapshots import LabelTable, Snapshot
from handrail.feedback.domain.values import (
    DeploymentRecord,
    Feedback,
    Prediction,
    Receipt,
    microseconds,
    prediction_id_for,
)
from handrail.feedback.ports import (
    DeploymentBook,
    EventLog,
    Intake,
    LabelWriter,
    LogReader,
    PredictionLog,
    Row,
    SnapshotBook,
)
from handrail.feedback.service import FeedbackLog, FeedbackStores
from tests.fakes.feedback_pulse import MemoryPulse
from tests.fakes.feedback_quarantine import MemoryAuditor, MemoryQuarantine
from tests.fakes.feedback_samples import MemorySampler, events_about, plain_row

Recorded = TypeVar("Recorded", Prediction, Feedback)

LAST = datetime.max.replace(tzinfo=UTC)
GO_LIVE = datetime(2013, 8, 1, 4, tzinfo=UTC)
DEPLOYMENT = "deploy://local/flights/1"
GROUND_TRUTH = Kind(
    "ground_truth", timedelta(hours=36), values=(0.0, 1.0), subject_column="flight_id", label_column="late"
)
CONVERSION = Kind("conversion", timedelta(days=7), absence_means=0.0, values=(0.0, 1.0))


def a_prediction(number: int = 0, **changes: Any) -> Prediction:
    """Return the prediction made `number` hours after go-live."""
    made_at = GO_LIVE + timedelta(hours=number)
    subject = f"2013-08-01:UA:{number}:0600:EWR"
    usual: dict[str, Any] = {
        "prediction_id": prediction_id_for(DEPLOYMENT, subject, made_at),
        "deployment": DEPLOYMENT,
        "subject": subject,
        "made_at": made_at,
        "score": 0.25 + number % 50 / 100,
        "label": number % 2,
        "features_digest": "sha256:" + "0" * 64,
        "feature_service": "flights_v1@abc",
        "latency_ms": 2.5,
    }
    return Prediction(**usual | changes)


def an_outcome(about: Prediction, value: SupportsFloat | None = 1.0, **changes: Any) -> Feedback:
    """Return what happened five hours after a prediction, and was heard half an hour later."""
    happened = about.made_at + timedelta(hours=5)
    usual: dict[str, Any] = {
        "prediction_id": about.prediction_id,
        "kind": "ground_truth",
        "value": value,
        "source": "airport-feed",
        "revision": 0,
        "occurred_at": happened,
        "received_at": happened + timedelta(minutes=30),
        "retracts": value is None,
    }
    return Feedback(**usual | changes)


@dataclass
class MemoryDeployments(DeploymentBook):
    """`DeploymentBook` in memory."""

    records: dict[str, DeploymentRecord] = field(default_factory=dict)

    def register(self, record: DeploymentRecord) -> None:
        held = self.records.get(record.uri)
        named = held is not None and held.model_version_uri not in (None, record.model_version_uri)
        if held is not None and held != record and (held.tree_digest is not None or named):
            raise Conflict("deployment", record.uri, "Give a new rollout a new deployment id.")
        self.records[record.uri] = record

    def all(self) -> tuple[DeploymentRecord, ...]:
        return tuple(self.records[uri] for uri in sorted(self.records))


@dataclass
class MemoryLog(Generic[Recorded]):
    """What both append-only logs do: the first body of an id stands, another one goes to quarantine."""

    what: str
    rows: dict[str, Recorded] = field(default_factory=dict)
    quarantine: dict[tuple[str, bytes], Recorded] = field(default_factory=dict)

    def add(self, keyed: Iterable[tuple[str, Recorded]]) -> Receipt:
        known, accepted = 0, 0
        clashing: set[str] = set()
        for key, value in keyed:
            held = self.rows.setdefault(key, value)
            if held is value:
                accepted += 1
            elif held.body_digest() == value.body_digest():
                known += 1
            else:
                clashing.add(key)
                self.quarantine.setdefault((key, value.body_digest()), value)
        return Receipt(accepted, known, tuple(sorted(clashing)))


@dataclass
class MemoryPredictions(PredictionLog):
    """`PredictionLog` in memory."""

    deployments: MemoryDeployments
    log: MemoryLog[Prediction] = field(default_factory=lambda: MemoryLog("prediction"))

    def append(self, rows: Sequence[Prediction]) -> Receipt:
        for row in rows:
            self.deployments.records.setdefault(row.deployment, DeploymentRecord(row.deployment))
        return self.log.add((row.prediction_id, replace(row)) for row in rows)

    def find(self, prediction_id: str) -> Prediction | None:
        return self.log.rows.get(prediction_id)

    def rivals(self, subject: str) -> tuple[Rival, ...]:
        mine = (row for row in self.log.rows.values() if row.subject == subject)
        return tuple((row.prediction_id, row.subject, microseconds(row.made_at), row.deployment) for row in mine)

    def made_by(self, prediction_id: str) -> str | None:
        found = self.find(prediction_id)
        return found.deployment if found else None

    def count(self, deployments: Sequence[str]) -> Mapping[str, int]:
        held = [row.deployment for row in self.log.rows.values()]
        return {uri: held.count(uri) for uri in deployments}


@dataclass
class MemoryEvents(EventLog):
    """`EventLog` in memory."""

    log: MemoryLog[Feedback] = field(default_factory=lambda: MemoryLog("feedback"))
    arrivals: list[tuple[str, datetime]] = field(default_factory=list)

    def append(self, events: Sequence[Feedback]) -> Receipt:
        receipt = self.log.add((event.key, replace(event, event_id=event.key)) for event in events)
        for event in events:
            held, arrival = self.log.rows[event.key], (event.key, event.received_at)
            is_same = held.body_digest() == event.body_digest()
            if is_same and event.received_at < held.received_at and arrival not in self.arrivals:
                self.arrivals.append(arrival)
        return receipt

    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        return self._found(lambda event: event.prediction_id == prediction_id)

    def naming(self, subject: str) -> tuple[Feedback, ...]:
        return self._found(lambda event: event.subject == subject != "")

    def _found(self, wanted: Callable[[Feedback], bool]) -> tuple[Feedback, ...]:
        found = filter(wanted, self.log.rows.values())
        return tuple(replace(event, received_at=self.received_at(event)) for event in found)

    def received_at(self, event: Feedback, upto: int | None = None) -> datetime:
        return min(event.received_at, *(at for key, at in self.arrivals[:upto] if key == event.key), LAST)


@dataclass
class MemoryIntake(Intake):
    """`Intake` in memory."""

    predictions: MemoryPredictions
    events: MemoryEvents
    quarantine: MemoryQuarantine

    def keep(self, rows: Sequence[Row]) -> Receipt:
        refused = [(place, row) for place, row in enumerate(rows) if isinstance(row, Rejected)]
        self.quarantine.add([row for _, row in refused], system_time())
        said = [_said(row) for row in rows if not isinstance(row, Rejected)]
        receipt = Receipt(refused=tuple(Refusal(at, row.reason, row.field, row.problem) for at, row in refused))
        receipt += self.predictions.append([row for row in said if isinstance(row, Prediction)])
        return receipt + self.events.append([row for row in said if isinstance(row, Feedback)])

    def keep_events(self, sifted: SiftedEvents) -> Receipt:
        rows: dict[int, Row] = dict(sifted.rejected)
        rows |= {place: PlainEvent(*row) for place, row in zip(sifted.places, sifted.events, strict=True)}
        return self.keep([rows[place] for place in sorted(rows)])


def _said(row: Prediction | Feedback | PlainPrediction | PlainEvent) -> Prediction | Feedback:
    if isinstance(row, PlainPrediction):
        return prediction_of(row)
    return event_of(row) if isinstance(row, PlainEvent) else row


@dataclass
class MemoryLogReader(LogReader):
    """`LogReader` in memory: the order of insertion is the sequence."""

    predictions: MemoryPredictions
    events: MemoryEvents

    def mark(self) -> Mark:
        return Mark(len(self.predictions.log.rows), len(self.events.log.rows), len(self.events.arrivals))

    def read(self, scope: Scope, upto: Mark, matching: Matching = "latest") -> Material:
        held = [
            row for row in list(self.predictions.log.rows.values())[: upto.predictions] if row.made_at <= scope.as_of
        ]
        mine = [
            plain_row(row)
            for row in held
            if scope.start <= row.made_at < scope.end and scope.deployment in (None, row.deployment)
        ]
        wanted = {row[0] for row in mine}
        known = [
            event
            for event in list(self.events.log.rows.values())[: upto.events]
            if event.kind == scope.kind and self.events.received_at(event, upto.arrivals) <= scope.as_of
        ]
        return Material(mine, [row for row in events_about(known, held, matching) if row[0] in wanted])

    def events_about(
        self, kind: str, deployments: Sequence[str], matching: Matching = "latest"
    ) -> Iterable[tuple[str, EventRow]]:
        held = list(self.predictions.log.rows.values())
        made = {row.prediction_id: row.deployment for row in held if row.deployment in deployments}
        every = [event for event in self.events.log.rows.values() if event.kind == kind]
        return [(made[row[0]], row) for row in events_about(every, held, matching) if row[0] in made]


@dataclass
class MemorySnapshots(SnapshotBook):
    """`SnapshotBook` in memory."""

    kept: dict[str, Snapshot] = field(default_factory=dict)

    def save(self, snapshot: Snapshot) -> Snapshot:
        return self.kept.setdefault(snapshot.digest, snapshot)

    def all(self) -> tuple[Snapshot, ...]:
        return tuple(self.kept[digest] for digest in sorted(self.kept))

    def find(self, digest: str) -> Snapshot | None:
        return self.kept.get(digest)


class MemoryWriter(LabelWriter):
    """`LabelWriter` that remembers what it was given, as text; paths in `unwritable` cannot be written."""

    def __init__(self) -> None:
        self.written: dict[Path, str] = {}
        self.unwritable: set[Path] = set()

    def write(self, table: LabelTable, path: Path) -> None:
        if path in self.unwritable:
            raise Unavailable(str(path), "it cannot be written", "Free the disk or correct the path.")
        self.written[path] = f"{table.snapshot.digest}\n{table.rows}"


def memory_stores() -> FeedbackStores:
    """Return empty fakes of every port."""
    deployments = MemoryDeployments()
    predictions, events, snapshots = MemoryPredictions(deployments), MemoryEvents(), MemorySnapshots()
    quarantine = MemoryQuarantine(predictions, events)
    reader, auditor = MemoryLogReader(predictions, events), MemoryAuditor(predictions, events, snapshots, quarantine)
    sampler = MemorySampler(predictions, events)
    intake = MemoryIntake(predictions, events, quarantine)
    looking = (auditor, sampler, quarantine, PlainLabels(reader), MemoryPulse(predictions, events, quarantine))
    return FeedbackStores(intake, deployments, predictions, events, reader, snapshots, *looking, SortedRows(reader))


def a_log(
    stores: FeedbackStores | None = None,
    writer: LabelWriter | None = None,
    kinds: Sequence[Kind] = (GROUND_TRUTH, CONVERSION),
) -> FeedbackLog:
    """Return a log over `stores`, over empty fakes if None."""
    named = {kind.name: kind for kind in kinds}
    return FeedbackLog(stores or memory_stores(), writer or MemoryWriter(), named)
