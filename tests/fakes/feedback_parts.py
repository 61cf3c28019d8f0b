"""A log with parts beside it, and both ways to read it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback.adapters.duckdb_labels import DuckdbLabels
from handrail.feedback.adapters.duckdb_reading import Parts
from handrail.feedback.adapters.duckdb_rows import DuckdbRows
from handrail.feedback.adapters.pyarrow_cohorts import PlainLabels
from handrail.feedback.adapters.pyarrow_parts import PyarrowParts
from handrail.feedback.adapters.sql_ordered_rows import SqlOrderedRows
from handrail.feedback.adapters.sql_parts import SqlParts, SqlPartSource
from handrail.feedback.domain.values import Feedback, Prediction
from handrail.feedback.service import Compaction
from handrail.storage import Store


class Parted:
    """A log in `store` with its parts below `folder`, so many rows written together."""

    def __init__(self, store: Store, folder: Path, at_once: int = 60) -> None:
        self.stores, self.folder = feedback_stores(store), folder
        self.book, self.source, self.parts = SqlParts(store), SqlPartSource(store), PyarrowParts(folder)
        self.compaction = Compaction(self.stores.reader, self.source, self.book, self.parts, at_once)
        self.plain = PlainLabels(self.stores.reader)
        files = Parts(self.source, self.book, folder)
        self.columns = DuckdbLabels(files, self.plain)
        self.rows = DuckdbRows(files, SqlOrderedRows(store))

    def record(self, sent: Iterable[Prediction | Feedback]) -> None:
        """Record what was sent, feedback before predictions."""
        sent = list(sent)
        if events := [each for each in sent if isinstance(each, Feedback)]:
            self.stores.events.append(events)
        if predictions := [each for each in sent if isinstance(each, Prediction)]:
            self.stores.predictions.append(predictions)
