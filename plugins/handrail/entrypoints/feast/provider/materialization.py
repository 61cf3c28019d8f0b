"""Filling the online store from the sources, as lineage; and the rows that Feast's engine writes past its provider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handrail.clock import system_time
from handrail.entrypoints.feast.provider.online import Change, write_change
from handrail.entrypoints.feast.provider.project import ASSERTED_BY, RecordedProject
from handrail.entrypoints.feast.provider.sources import Sources, changed
from handrail.lineage import ActivityDetails
from handrail.refs import ArtifactVersion

KIND = "materialization"


class CountingStore:
    """Replaces an engine's online store and looks like it; counts the rows written, by view."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.rows: Counter[str] = Counter()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._store)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def online_write_batch(self, config: Any, table: Any, data: Any, progress: Any) -> None:
        """Write, then count."""
        self._store.online_write_batch(config, table, data, progress)
        self.rows[table.name] += len(data)


class Filling:
    """The materialisation of one view over an interval of event time, from the moment before its source is read."""

    def __init__(self, project: RecordedProject, view: Any, start: datetime, end: datetime) -> None:
        """Look at the view's source as it is now."""
        self._project, self.view, self._interval = project, view, (start, end)
        self._sources = Sources(project)
        self.uri = project.new("materialization")
        self._started = system_time()
        self._before = self._versions()

    def complete(self, rows: int | None) -> None:
        """Record the state that the online store has now; warn of a source that changed meanwhile."""
        ended, moved = system_time(), changed(self._before, self._versions(), self.uri)
        attributes = self._attributes(moved) | {"outcome": "complete"} | ({} if rows is None else {"rows": str(rows)})
        change = Change(self.uri, KIND, self.view, [*self._before, *moved], self._started, ended, attributes)
        self._project.record(self.uri, lambda lineage: write_change(lineage, self._project, change))

    def fail(self, error: BaseException) -> None:
        """Record that it failed, and how; what it left online is not known."""
        attributes = self._attributes(()) | {"outcome": "failed", "error": type(error).__name__}
        details = ActivityDetails(self._started, system_time(), attributes, ASSERTED_BY)
        self._project.record_activity(
            self.uri, KIND, details=details, used=[self._project.view(self.view), *self._before]
        )

    def _attributes(self, moved: Sequence[ArtifactVersion]) -> dict[str, str]:
        start, end = self._interval
        attributes = {
            "feature_view": self.view.name,
            "interval_start": start.isoformat(),
            "interval_end": end.isoformat(),
        }
        return attributes | ({"changed_sources": ",".join(version.uri for version in moved)} if moved else {})

    def _versions(self) -> list[ArtifactVersion]:
        source = getattr(self.view, "batch_source", None)
        return [] if source is None else [self._sources.version(source)]
