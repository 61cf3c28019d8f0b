"""Collects runs and logged models: those of the chosen experiments, and whatever these and versions came from.

Lists leave out deleted logged models, and a chosen experiment lacks the runs that its runs are part of: what
something came from is asked for by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handrail.entrypoints.mlflow.collect.first import keep_first
from handrail.entrypoints.mlflow.collect.reading import BATCH, Reader, batches
from handrail.entrypoints.mlflow.collect.records import Naming, Record, is_since
from handrail.entrypoints.mlflow.collect.runs import PARENT, records_of_model, records_of_run
from handrail.entrypoints.mlflow.collect.writing import Writer

ACTIVE = "active"


@dataclass(slots=True)
class TrackingCollector:
    """Collects from experiments, given as their names by id; `listed` has the ids of all that they hold."""

    reader: Reader
    writer: Writer
    naming: Naming
    clock: Callable[[], datetime]
    names: Mapping[str, str]
    chosen: frozenset[str]
    listed: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    _runs: set[str] = field(default_factory=set)
    _models: set[str] = field(default_factory=set)

    def collect_listed(self, since: datetime | None) -> None:
        """Record the runs and logged models of the experiments, without deleted ones and those from before `since`."""
        for runs in self.reader.run_batches(sorted(self.chosen)):
            self.listed |= {run.info.run_id for run in runs}
            self._record_runs([run.info.run_id for run in runs if _is_wanted(run.info, since)])
        for models in self.reader.model_batches(sorted(self.chosen)):
            self.listed |= {model.model_id for model in models}
            fresh = (is_since(since, model.creation_timestamp, model.last_updated_timestamp) for model in models)
            self._record_models([model for model, is_fresh in zip(models, fresh, strict=True) if is_fresh])

    def collect_origins(self, runs: Iterable[str], models: Iterable[str]) -> None:
        """Record these runs and logged models, and all that they came from, as far as it was not recorded before."""
        self._runs |= set(runs)
        self._models |= set(models)
        while pending := (self._runs | self._models) - self._asked:
            for batch in batches(sorted(pending & self._models), BATCH):
                self._asked |= set(batch)
                found = self.reader.models(batch)
                self._record_models([model for model in found if self._is_chosen(model)])
            for batch in batches(sorted(pending & self._runs), BATCH):
                self._record_runs(batch)

    def _record_runs(self, ids: Sequence[str]) -> None:
        self._asked |= set(ids)
        runs = [run for run in self.reader.runs(ids) if self._is_chosen(run.info)]
        for run in runs:
            inputs = run.inputs.model_inputs if run.inputs else None
            self._models |= {each.model_id for each in inputs or ()}
            self._runs |= {run.data.tags[PARENT]} if run.data.tags.get(PARENT) else set()
        things = [(f"run {run.info.run_id}", self._records_of(run)) for run in runs]
        self.writer.write("runs", keep_first(self.writer.lineage, things, self.clock()))

    def _is_chosen(self, thing: Any) -> bool:
        """Return whether it belongs to a chosen experiment, or to one that is newer than the list of them."""
        return thing.experiment_id in self.chosen or thing.experiment_id not in self.names

    def _records_of(self, run: Any) -> tuple[Record, ...]:
        return records_of_run(self.naming, run, self.names.get(run.info.experiment_id))

    def _record_models(self, models: Sequence[Any]) -> None:
        self._asked |= {model.model_id for model in models}
        self._runs |= {model.source_run_id for model in models if model.source_run_id}
        self.reader.artifacts |= {model.model_id: model.artifact_location for model in models}
        things = [(f"logged model {model.model_id}", records_of_model(self.naming, model)) for model in models]
        self.writer.write("models", things)


def _is_wanted(info: Any, since: datetime | None) -> bool:
    return info.lifecycle_stage == ACTIVE and is_since(since, info.start_time, info.end_time)
