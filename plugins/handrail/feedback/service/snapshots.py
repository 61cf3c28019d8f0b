"""The use cases of snapshots: fix what is known, use it again, list what it holds, and compare two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort, build_cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.snapshot_changes import Change, Included, Stated, changes_between
from handrail.feedback.domain.snapshots import Snapshot, SnapshotChanged, build_snapshot, label_table, recount_of
from handrail.feedback.ports import LabelWriter
from handrail.feedback.service.labels import check_rows, find_snapshot
from handrail.feedback.service.receiving import find_kind
from handrail.feedback.service.stores import FeedbackStores


class SnapshotLog:
    """The part of a log of feedback that is about snapshots."""

    def __init__(self, stores: FeedbackStores, writer: LabelWriter, kinds: Mapping[str, Kind]) -> None:
        """Work on `stores`; `kinds` are the declared kinds of feedback by name."""
        self._stores = stores
        self._writer = writer
        self._kinds = kinds

    def snapshot(self, kind: str, start: datetime, end: datetime, as_of: datetime) -> Snapshot:
        """Fix what is known at `as_of` about predictions made in [start, end), of all deployments.

        The same knowledge gives the same snapshot; late data gives a new one and leaves the old one usable.

        Raises:
            UnknownReference: the kind is not declared.
        """
        scope = Scope(kind, start, end, as_of)
        rules = find_kind(kind, self._kinds)
        mark = self._stores.reader.mark()
        material = self._stores.reader.read(scope, mark, rules.matching)
        return self._stores.snapshots.save(build_snapshot(scope, rules, material, mark))

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every snapshot, sorted by digest."""
        return self._stores.snapshots.all()

    def find_snapshot(self, digest: str) -> Snapshot:
        """Return the snapshot of that digest.

        Raises:
            UnknownReference: there is none.
        """
        return find_snapshot(digest, self._stores.snapshots)

    def knows_snapshot(self, digest: str) -> bool:
        """Return whether there is a snapshot of that digest."""
        return self._stores.snapshots.find(digest) is not None

    def snapshot_cohort(self, digest: str, deployment: str | None = None) -> Cohort:
        """Return the cohort that a snapshot fixes, whatever arrived since; of one deployment, or all.

        Raises:
            UnknownReference: there is no such snapshot.
            SnapshotChanged: its rows were altered.
        """
        _, cohort = self._reread(digest)
        return cohort if deployment is None else cohort.of_deployment(deployment)

    def export_snapshot(self, digest: str, path: Path) -> Snapshot:
        """Write the mature labels of a snapshot to `path`, each subject once; the bytes are the same each time.

        Raises:
            UnknownReference: there is no such snapshot.
            SnapshotChanged: its rows were altered.
        """
        snapshot, cohort = self._reread(digest)
        self._writer.write(label_table(snapshot, cohort), path)
        return snapshot

    def snapshot_ids(self, digest: str) -> Iterator[Included]:
        """Yield what a snapshot was made from: its predictions by id, then its events by id, each once.

        Some thousand are held at once, and what names a business key. The digest is made again on the way: take the
        list for whole when the last one came.

        Raises:
            UnknownReference: there is no such snapshot.
            SnapshotChanged: its rows were altered; raised behind the last one.
        """
        taken = self.find_snapshot(digest)
        recount, rows, asked = recount_of(taken), self._stores.rows, (taken.scope, taken.kind, taken.mark)
        for predictions in rows.predictions(*asked):
            recount.add_predictions(predictions)
            yield from (Included("prediction", row[0]) for row in predictions)
        last = ""
        for events in rows.events(*asked):
            recount.add_events(events)
            for row in events:
                # By a business key one event may be about several predictions.
                if row[3] != last:
                    last = row[3]
                    yield Included("event", last)
        recount.check(taken)

    def snapshot_changes(self, before: str, after: str) -> Iterator[Change]:
        """Yield each prediction about which two snapshots of one kind differ, by id, and why.

        Both are checked first. The rules of each snapshot's own time count, and few rows are held at once.

        Raises:
            UnknownReference: there is no such snapshot.
            InvalidInput: they are of two kinds of feedback.
            SnapshotChanged: the rows under one of them were altered.
        """
        taken = [self.find_snapshot(digest) for digest in (before, after)]
        one, other = (each.scope.kind for each in taken)
        if one != other:
            raise InvalidInput("snapshots", f"one is of {one!r}, the other of {other!r}", "Name two of one kind.")
        for each in taken:
            check_rows(each, self._stores.rows)
        yield from changes_between(*map(self._stated, taken))

    def _stated(self, taken: Snapshot) -> Stated:
        asked, rows = (taken.scope, taken.kind, taken.mark), self._stores.rows
        return Stated(taken, rows.predictions(*asked), rows.events(*asked, "prediction"))

    def _reread(self, digest: str) -> tuple[Snapshot, Cohort]:
        snapshot = self.find_snapshot(digest)
        material = self._stores.reader.read(snapshot.scope, snapshot.mark, snapshot.kind.matching)
        found = build_snapshot(snapshot.scope, snapshot.kind, material, snapshot.mark, snapshot.format)
        if found.digest != snapshot.digest:
            raise SnapshotChanged(digest, found.digest)
        return snapshot, build_cohort(snapshot.scope, snapshot.kind, material)
