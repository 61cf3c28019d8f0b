"""Cohorts by columns: the same rows and labels as `Cohort`, as Arrow tables that come one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from handrail.errors import UnknownReference
from handrail.feedback.domain.figures import Clusters, FigureByParts, JudgedWindow
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.snapshots import Snapshot, SnapshotErased, recount_of
from handrail.feedback.ports import SnapshotBook
from handrail.feedback.service.receiving import find_kind
from handrail.feedback.service.stores import FeedbackStores
from handrail.feedback.snapshot_ports import OrderedRows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class LabelTables:
    """Predictions beside their labels as tables, each with the columns of `Cohort` and the rows of some days.

    `label` is null where it is unknown, `made_at` is in UTC. The log is read in parts where `handrail feedback compact`
    has written some and DuckDB is there (extra `columns`), and as a whole into one table else.
    """

    stores: FeedbackStores
    kinds: Mapping[str, Kind]

    def of_window(
        self, kind: str, start: datetime, end: datetime, as_of: datetime, deployment: str | None = None
    ) -> Iterator[pa.Table]:
        """Yield predictions made in [start, end) with the labels known at `as_of`, of one deployment, or all.

        Raises:
            UnknownReference: the kind is not declared.
            MissingTool: pyarrow is not installed.
        """
        scope, rules = Scope(kind, start, end, as_of, deployment), find_kind(kind, self.kinds)
        return self.stores.labels.tables(scope, rules, self.stores.reader.mark())

    def of_snapshot(self, digest: str) -> Iterator[pa.Table]:
        """Yield what a snapshot fixes, whatever arrived since, after its digest was made again from its rows.

        Raises:
            UnknownReference: there is no such snapshot.
            SnapshotChanged: its rows were altered, in the log or in a file that would be read.
            MissingTool: pyarrow is not installed.
        """
        taken = find_snapshot(digest, self.stores.snapshots)
        check_rows(taken, self.stores.rows)
        return self.stores.labels.tables(taken.scope, taken.kind, taken.mark)

    def judge(self, scope: Scope, metric: str, clusters: Clusters | None = None, draws: int = 1000) -> JudgedWindow:
        """Judge a window as `FeedbackLog.figure` judges its cohort, however many predictions it has.

        Up to a million judged predictions the figure is the same; beyond them see `handrail.statistics.Running`. Needs
        NumPy and pyarrow.

        Raises:
            UnknownReference: the kind is not declared.
            InvalidInput: there is no such metric, or it judges labels 0 and 1 and there are others.
            MissingTool: pyarrow is not installed.
        """
        from handrail.statistics import Intervals

        parts = FigureByParts(metric, clusters or Clusters())
        for table in self.stores.labels.tables(scope, find_kind(scope.kind, self.kinds), self.stores.reader.mark()):
            parts.add(table)
        return parts.judged(scope.as_of, Intervals(draws, 0))


def check_rows(taken: Snapshot, rows: OrderedRows) -> None:
    """Read the rows of a snapshot, some thousand at once, and refuse them if they are no longer what it was made from.

    Raises:
        SnapshotChanged: they were altered.
    """
    recount, asked = recount_of(taken), (taken.scope, taken.kind, taken.mark)
    for predictions in rows.predictions(*asked):
        recount.add_predictions(predictions)
    for events in rows.events(*asked):
        recount.add_events(events)
    recount.check(taken)


def find_snapshot(digest: str, book: SnapshotBook) -> Snapshot:
    """Return the snapshot of that digest.

    Raises:
        UnknownReference: there is none.
        SnapshotErased: it contained rows of subjects that were erased since.
    """
    snapshot = book.find(digest)
    if snapshot is None:
        raise UnknownReference("snapshot", digest, "List them with: handrail feedback status.")
    if snapshot.successor:
        raise SnapshotErased(digest, snapshot.erased, snapshot.successor)
    return snapshot
