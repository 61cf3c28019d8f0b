"""Collects registered versions and aliases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from handrail.entrypoints.mlflow.collect.first import keep_first_of_versions, records_of_closing
from handrail.entrypoints.mlflow.collect.reading import BATCH, Reader, batches
from handrail.entrypoints.mlflow.collect.records import Naming
from handrail.entrypoints.mlflow.collect.versions import Registered, records_of_alias, records_of_version
from handrail.entrypoints.mlflow.collect.writing import Writer
from handrail.refs import ModelAlias, ModelVersion

UNCHANGED = "unchanged aliases"


@dataclass(slots=True)
class RegistryCollector:
    """Collects versions and aliases; `tree_of` returns the digest of a version's files, if known."""

    reader: Reader
    writer: Writer
    naming: Naming
    clock: Callable[[], datetime]
    tree_of: Callable[[Any], str | None]
    _models: dict[str, Any] = field(default_factory=dict)

    def read(self) -> list[Any]:
        """Return every version, those of one model in their order."""
        self._models = {model.name: model for model in self.reader.registered()}
        return [version for version in self.reader.versions() if version.name in self._models]

    def collect_versions(self, versions: Iterable[Any]) -> None:
        """Record what versions came from, and that the records of the runs behind them are complete."""
        epoch_of = lru_cache(self._epoch_of)
        for batch in batches(versions, BATCH):
            things = [
                (
                    f"{version.name} version {version.version}",
                    records_of_version(
                        self.naming, Registered(version, self._epoch(version.name), self.tree_of(version)), epoch_of
                    ),
                )
                for version in batch
            ]
            self.writer.write("versions", keep_first_of_versions(self.writer.lineage, things, self.clock()))
            uris = [self._version(version.name, int(version.version)).uri for version in batch]
            closing = records_of_closing(self.writer.lineage, uris, self.clock())
            self.writer.write("complete records", [(f"run {record.uri}", (record,)) for record in closing])

    def collect_aliases(self, recorded: Sequence[Any]) -> None:
        """Record each alias of a recorded version that points elsewhere than lineage knows, and each that is gone."""
        known = {(version.name, int(version.version)) for version in recorded}
        for model in self._models.values():
            for alias, version in model.aliases.items():
                if (model.name, int(version)) in known:
                    self._move((model.name, alias), self._version(model.name, int(version)))
        for model_name, alias in self._gone():
            self._point((model_name, alias), None)

    def _move(self, alias: tuple[str, str], target: ModelVersion) -> None:
        """Record where an alias points unless that is known; MLflow does not keep when it was moved."""
        if self._target_of(ModelAlias(*alias).pointer) != target.uri:
            self._point(alias, target)
        else:
            self.writer.counts[UNCHANGED] += 1

    def _gone(self) -> Iterator[tuple[str, str]]:
        """Return the aliases that pointed at something of this server and are gone.

        A model that no list shows may only be hidden from this account, so it is asked for by its name.
        """
        find = lru_cache(self.reader.model_named)
        for name in self.writer.lineage.pointer_names():
            model_name, _, alias = name.removeprefix(ModelAlias.PREFIX).rpartition("@")
            ours = (self._target_of(name) or "").startswith(f"mlflow://{self.naming.server}/")
            if not name.startswith(ModelAlias.PREFIX) or not ours:
                continue
            model, is_known = (self._models[model_name], True) if model_name in self._models else find(model_name)
            if is_known and alias not in (model.aliases if model else ()):
                yield model_name, alias

    def _target_of(self, name: str) -> str | None:
        pointer = self.writer.lineage.pointer_at(name, self.clock())
        return pointer.target if pointer else None

    def _point(self, alias: tuple[str, str], target: ModelVersion | None) -> None:
        record = records_of_alias(self.naming, alias, target, self.clock(), "")
        self.writer.write("aliases", [(f"alias {alias[1]} of {alias[0]}", (record,))])

    def _version(self, name: str, version: int) -> ModelVersion:
        return self.naming.version(name, self._epoch(name), version)

    def _epoch(self, name: str) -> int:
        return int(self._models[name].creation_timestamp)

    def _epoch_of(self, name: str) -> int | None:
        return self._epoch(name) if name in self._models else None
