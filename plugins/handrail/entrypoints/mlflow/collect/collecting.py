"""Collects an MLflow server or store: records what the server app would have recorded.

First the runs and logged models of the experiments, then versions and what they came from, which no list may show any
more, then aliases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.entrypoints.mlflow.collect.reading import Reader
from handrail.entrypoints.mlflow.collect.records import Naming, is_since
from handrail.entrypoints.mlflow.collect.registry import RegistryCollector
from handrail.entrypoints.mlflow.collect.tracking import TrackingCollector
from handrail.entrypoints.mlflow.collect.versions import origins_of
from handrail.entrypoints.mlflow.collect.writing import Writer
from handrail.errors import UnknownReference


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: all experiments if none is named, everything if no moment is."""

    experiments: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """How many things were read; a sentence for each that was left out, and for each that MLflow no longer has.

    `limits` says so if the account may not see everything.
    """

    counts: Mapping[str, int]
    refused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    limits: str = ""


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects from what `reader` reads; `tree_of` returns the digest of a version's files, if known."""

    reader: Reader
    writer: Writer
    naming: Naming
    clock: Callable[[], datetime]
    tree_of: Callable[[Any], str | None]

    def collect(self, wanted: Wanted) -> Collected:
        """Record runs, logged models, versions and aliases. Doing it again adds only what is new.

        Raises:
            UnknownReference: an experiment has another name.
            Unavailable: lineage's store cannot be written.
        """
        tracking = self._tracking(wanted.experiments)
        registry = RegistryCollector(self.reader, self.writer, self.naming, self.clock, self.tree_of)
        tracking.collect_listed(wanted.since)
        tracking.collect_origins((), ())
        chosen = [
            version
            for version in registry.read()
            if not wanted.experiments or tracking.listed & set(filter(None, origins_of(version)))
        ]
        fresh = [
            version
            for version in chosen
            if is_since(wanted.since, version.creation_timestamp, version.last_updated_timestamp)
        ]
        runs, models = zip(*map(origins_of, fresh), strict=True) if fresh else ((), ())
        tracking.collect_origins(filter(None, runs), filter(None, models))
        registry.collect_versions(fresh)
        registry.collect_aliases(chosen)
        refused = (*self.reader.refused, *self.writer.refused)
        return Collected(dict(self.writer.counts), refused, tuple(self.reader.missing))

    def _tracking(self, experiments: tuple[str, ...]) -> TrackingCollector:
        names = self.reader.experiments()
        for name in experiments:
            if name not in names.values():
                raise UnknownReference("experiment", name, "See the names with: mlflow experiments search.")
        chosen = frozenset(key for key, name in names.items() if not experiments or name in experiments)
        return TrackingCollector(self.reader, self.writer, self.naming, self.clock, names, chosen)
