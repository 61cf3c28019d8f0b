"""Reads an MLflow server or store through its client, and records what the server app would have recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from handrail.entrypoints.mlflow.collect.records import Place, Record, moment, pages
from handrail.entrypoints.mlflow.collect.runs import records_of_model, records_of_run
from handrail.entrypoints.mlflow.collect.versions import (
    Registered,
    records_of_alias,
    records_of_version,
    versions_of,
)
from handrail.errors import HandrailError, Unavailable, UnknownReference
from handrail.lineage import Lineage
from handrail.refs import ModelAlias, ModelVersion

UNCHANGED = "unchanged aliases"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: all experiments if none is named, everything if no moment is."""

    experiments: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """How many things were read, and a sentence for each that lineage refused."""

    counts: Mapping[str, int]
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class Collector:
    """Collects once; `client` is an `MlflowClient`, `tree_of` returns the digest of a version's files, if known."""

    client: Any
    place: Place
    lineage: Lineage
    clock: Callable[[], datetime]
    tree_of: Callable[[Any], str | None]
    seen: Callable[[str], object] = lambda _what: None
    _counts: Counter[str] = field(default_factory=Counter)
    _refused: list[str] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def collect(self, wanted: Wanted) -> Collected:
        """Record runs, logged models, versions and aliases. Doing it again adds only what is new.

        Raises:
            UnknownReference: an experiment has another name.
            Unavailable: lineage's store cannot be written.
        """
        names = self._experiments(wanted.experiments)
        for run in self._runs(names, wanted.since):
            self._record(
                "runs", f"run {run.info.run_id}", records_of_run(self.place, run, names[run.info.experiment_id])
            )
        for model in self._models(names, wanted.since):
            self._record("models", f"logged model {model.model_id}", records_of_model(self.place, model))
        held = {ModelAlias(*alias).pointer for alias in self._all_registered(wanted)}
        self._aliases_gone(held)
        return Collected(dict(self._counts), tuple(self._refused))

    def _experiments(self, wanted: tuple[str, ...]) -> dict[str, str]:
        found = {each.experiment_id: each.name for each in pages(self.client.search_experiments)}
        for name in wanted:
            if name not in found.values():
                raise UnknownReference("experiment", name, "See the names with: mlflow experiments search.")
        return {key: name for key, name in found.items() if not wanted or name in wanted}

    def _runs(self, experiments: Mapping[str, str], since: datetime | None) -> Iterator[Any]:
        for experiment in experiments:
            for run in pages(self.client.search_runs, [experiment]):
                self._known.add(run.info.run_id)
                if _is_since(since, run.info.start_time, run.info.end_time):
                    # A list of runs comes without the models that they read.
                    yield self.client.get_run(run.info.run_id)

    def _models(self, experiments: Mapping[str, str], since: datetime | None) -> Iterator[Any]:
        for experiment in experiments:
            for model in pages(self.client.search_logged_models, [experiment]):
                self._known.add(model.model_id)
                if _is_since(since, model.creation_timestamp, model.last_updated_timestamp):
                    yield model

    def _all_registered(self, wanted: Wanted) -> Iterator[tuple[str, str]]:
        """Record every registered model, and yield each existing alias."""
        for model in pages(self.client.search_registered_models):
            self._registered(model, wanted)
            yield from ((model.name, alias) for alias in model.aliases)

    def _registered(self, model: Any, wanted: Wanted) -> None:
        """Record a registered model's versions and aliases, as far as they belong to what is wanted."""
        epoch, epochs = int(model.creation_timestamp), lru_cache(self._epoch_of)
        recorded: dict[int, str] = {}
        for version in versions_of(self.client.search_model_versions, model.name):
            if wanted.experiments and not self._known & set(_origins(version)):
                continue
            recorded[int(version.version)] = self.place.version(model.name, epoch, int(version.version)).uri
            if _is_since(wanted.since, version.creation_timestamp, version.last_updated_timestamp):
                registered = Registered(version, epoch, self.tree_of(version))
                records = records_of_version(self.place, registered, epochs)
                self._record("versions", f"{model.name} version {version.version}", records)
        self._aliases(model, epoch, {alias: int(at) for alias, at in model.aliases.items() if int(at) in recorded})

    def _aliases(self, model: Any, epoch: int, aliases: Mapping[str, int]) -> None:
        """Record each alias that points elsewhere than lineage knows; MLflow does not keep when it was moved."""
        for alias, version in aliases.items():
            target = self.place.version(model.name, epoch, version)
            if self._target_of(ModelAlias(model.name, alias).pointer) != target.uri:
                self._point((model.name, alias), target)
            else:
                self._counts[UNCHANGED] += 1

    def _aliases_gone(self, held: Collection[str]) -> None:
        """Record each alias that pointed at something of this server and is gone."""
        for name in self.lineage.pointer_names():
            model, _, alias = name.removeprefix(ModelAlias.PREFIX).rpartition("@")
            ours = (self._target_of(name) or "").startswith(f"mlflow://{self.place.server}/")
            if name.startswith(ModelAlias.PREFIX) and name not in held and ours:
                self._point((model, alias), None)

    def _target_of(self, name: str) -> str | None:
        pointer = self.lineage.pointer_at(name, self.clock())
        return pointer.target if pointer else None

    def _point(self, alias: tuple[str, str], target: ModelVersion | None) -> None:
        record = records_of_alias(self.place, alias, target, self.clock(), "")
        self._record("aliases", f"alias {alias[1]} of {alias[0]}", (record,))

    def _epoch_of(self, name: str) -> int | None:
        from mlflow.exceptions import MlflowException

        try:
            return int(self.client.get_registered_model(name).creation_timestamp)
        except MlflowException:
            return None

    def _record(self, kind: str, what: str, records: Iterable[Record]) -> None:
        self._counts[kind] += 1
        self.seen(what)
        for record in records:
            try:
                record.record(self.lineage)
            except Unavailable:
                raise
            except HandrailError as err:
                self._refused.append(f"{what}: {err}")


def _is_since(since: datetime | None, *moments: Any) -> bool:
    """Return whether one of MLflow's moments is at or after `since`; what has no end yet counts as now."""
    found = [moment(each) for each in moments]
    return since is None or found[-1] is None or any(each >= since for each in found if each)


def _origins(version: Any) -> tuple[str, ...]:
    """Return the ids of the run and of the logged model that a version may come from."""
    return (version.run_id or "", str(version.source).removeprefix("models:").strip("/"))
