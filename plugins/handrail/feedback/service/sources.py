"""The use case: which source said the labels of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.feedback.domain.cohorts import build_cohort
from handrail.feedback.domain.snapshots import Snapshot
from handrail.feedback.domain.sources import SourcedLabels, by_source
from handrail.feedback.ports import LogReader
from handrail.feedback.source_ports import EventSources


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Reads who said the labels of a snapshot."""

    reader: LogReader
    sources: EventSources

    def of_snapshot(self, taken: Snapshot) -> SourcedLabels:
        """Return the labels that a snapshot counts, whatever arrived since, each with its source."""
        material = self.reader.read(taken.scope, taken.mark, taken.kind.matching)
        named = dict(self.sources.named(taken.scope.kind, taken.mark))
        return by_source(build_cohort(taken.scope, taken.kind, material), material, named)
