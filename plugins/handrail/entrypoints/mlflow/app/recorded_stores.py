"""Lineage of what MLflow's stores have just committed. It comes after the guards, and never fails what was done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from mlflow.exceptions import MlflowException

from handrail.bootstrap.mlflow_server import is_allowed_move
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.mlflow.app.known_models import Known, KnownModels
from handrail.entrypoints.mlflow.collect import (
    VERSION_TAGS,
    Naming,
    Record,
    Registered,
    is_recorded_tag,
    keep_first,
    keep_first_of_versions,
    records_of_alias,
    records_of_closing,
    records_of_model,
    records_of_run,
    records_of_version,
    versions_of,
    versions_of_run,
)
from handrail.errors import HandrailError, Unavailable
from handrail.lineage import Lineage

_log = logging.getLogger("handrail.lineage")
# Methods of a class that MLflow chooses at run time come after these.
_Store: Any = object


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records in lineage what a store did. `agent` names who is logged in, `tree` the digest of a version's files."""

    lineage: Callable[[], Lineage]
    naming: Naming
    agent: Callable[[], str | None]
    tree: Callable[[str, str], str | None]
    clock: Callable[[], datetime]

    def record(self, what: str, facts: Callable[[], Iterable[Record]]) -> None:
        """Record `facts`; a failure is only logged, because MLflow has committed and must answer."""
        with never_fail(what):
            for record in facts():
                self._record(what, record)

    def complete_run(self, run_id: str) -> None:
        """Record that an ended run of which a version came is completely known: what is said later is shown so."""
        self.complete_runs_of(f"the run {run_id}", lambda: versions_of_run(self.lineage(), self.naming.run(run_id)))

    def complete_runs_of(self, what: str, versions: Callable[[], Iterable[str]], *, is_permitted: bool = False) -> None:
        """Record that the ended runs behind versions are completely known; of permitted versions, every run."""
        self.record(
            what,
            lambda: records_of_closing(self.lineage(), versions(), self.clock(), is_permitted=is_permitted),
        )

    def _record(self, what: str, record: Record) -> None:
        try:
            record.record(self.lineage())
        except Unavailable:
            raise  # the others would wait for the same store
        except HandrailError as err:
            _log.warning("Lineage does not know all of %s. %s", what, err)


class RecordedTracking(_Store):
    """Comes after the methods of MLflow's tracking store that begin, end and describe runs; metrics pass by."""

    recorder: Recorder

    def create_run(self, *args: Any, **kwargs: Any) -> Any:
        """Record that a run began."""
        run = super().create_run(*args, **kwargs)
        self._record(run.info.run_id, run)
        return run

    def update_run_info(self, run_id: str, run_status: Any, end_time: Any, run_name: Any) -> Any:
        """Record the run as it is now: it mostly has ended."""
        info = super().update_run_info(run_id, run_status, end_time, run_name)
        self._record(run_id)
        self.recorder.complete_run(run_id)
        return info

    def log_inputs(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        """Record what the run read."""
        done = super().log_inputs(run_id, *args, **kwargs)
        self._record(run_id)
        return done

    def log_outputs(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        """Record which models the run made."""
        done = super().log_outputs(run_id, *args, **kwargs)
        self._record(run_id)
        return done

    def set_tag(self, run_id: str, tag: Any) -> Any:
        """Record the run if lineage records the tag."""
        done = super().set_tag(run_id, tag)
        if is_recorded_tag(tag.key):
            self._record(run_id)
        return done

    def log_batch(self, run_id: str, metrics: Any, params: Any, tags: Any) -> Any:
        """Record the run if lineage records one of the tags; metrics and parameters alone are not recorded."""
        done = super().log_batch(run_id, metrics, params, tags)
        if tags and any(is_recorded_tag(tag.key) for tag in tags):
            self._record(run_id)
        return done

    def create_logged_model(self, *args: Any, **kwargs: Any) -> Any:
        """Record which run made the logged model."""
        model = super().create_logged_model(*args, **kwargs)
        recorder = self.recorder
        recorder.record(f"the logged model {model.model_id}", lambda: records_of_model(recorder.naming, model))
        return model

    def _record(self, run_id: str, made: Any = None) -> None:
        recorder: Recorder = self.recorder
        store: Any = super()

        def facts() -> Iterable[Record]:
            run = made or store.get_run(run_id)
            name = _experiment_name(self, str(run.info.experiment_id))
            agent, what = recorder.agent(), f"the run {run_id}"
            records = records_of_run(recorder.naming, run, name, agent)
            ((_, kept),) = keep_first(recorder.lineage(), [(what, records)], recorder.clock(), agent)
            return kept

        recorder.record(f"the run {run_id}", facts)


@lru_cache(maxsize=256)
def _experiment_name(store: Any, experiment_id: str) -> str:
    return str(store.get_experiment(experiment_id).name)


class RecordedRegistry(_Store):
    """Comes after the methods of MLflow's registry store that make versions and move names."""

    recorder: Recorder
    known: KnownModels

    def create_model_version(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Record what the version came from."""
        made = super().create_model_version(name, *args, **kwargs)
        self.recorder.record(f"{name} version {made.version}", lambda: self._records_of(made, by=self.recorder.agent()))
        self.recorder.complete_runs_of(name, lambda: [self._uri(name, made.version)])
        return made

    def set_model_version_tag(self, name: str, version: Any, tag: Any) -> Any:
        """Record that the version says something more now, and by whom, if lineage records the tag."""
        done = super().set_model_version_tag(name, version, tag)
        if tag.key in VERSION_TAGS:
            what = f"{name} version {version}"
            self.recorder.record(what, lambda: self._records_again(self._recorded_version(name, version)))
        return done

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> Any:
        """Record where the alias points, unless the gate moves it: that is recorded with its permit."""
        done = super().set_registered_model_alias(name, alias, version)
        if is_allowed_move(name, alias, version):
            self.recorder.complete_runs_of(name, lambda: [self._uri(name, version)], is_permitted=True)
        else:
            self._record_aliases(name, {alias: version})
        return done

    def delete_registered_model_alias(self, name: str, alias: str) -> Any:
        """Record that the alias points nowhere."""
        before = self._aliases(name)
        done = super().delete_registered_model_alias(name, alias)
        self._record_aliases(name, {alias: None} if alias in before else {})
        return done

    def delete_model_version(self, name: str, version: Any) -> Any:
        """Record that the version's aliases point nowhere. The version stays known: other things were made from it."""
        before = self._aliases(name)
        done = super().delete_model_version(name, version)
        self._record_aliases(name, {alias: None for alias, at in before.items() if int(at) == int(version)})
        return done

    def delete_registered_model(self, name: str) -> Any:
        """Record that its aliases point nowhere. A new model of the name has another epoch, and so other versions."""
        before = self._aliases(name)
        done = super().delete_registered_model(name)
        self._record_aliases(name, dict.fromkeys(before))
        return done

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Record the versions under their new name, and the aliases that moved with it."""
        before = self._aliases(name)
        renamed = super().rename_registered_model(name, new_name)
        self._record_aliases(name, dict.fromkeys(before))
        self.recorder.record(f"the new name of {name}", lambda: self._records_of_all(new_name, name))
        self._record_aliases(new_name, before)
        return renamed

    def _records_of(self, version: Any, by: str | None = None) -> Iterable[Record]:
        model = self.known.find(version.name, super().get_registered_model)
        if model.is_prompt:
            return ()
        tree = self.recorder.tree(version.name, str(version.version))
        registered = Registered(version, model.epoch, tree, by)
        return records_of_version(self.recorder.naming, registered, self._epoch_of)

    def _uri(self, name: str, version: Any) -> str:
        return self.recorder.naming.version(name, self._epoch_of(name) or 0, int(version)).uri

    def _records_of_all(self, name: str, before: str) -> Iterable[Record]:
        for version in versions_of(super().search_model_versions, name):
            yield from self._records_again(version, before)

    def _records_again(self, version: Any, before: str | None = None) -> Iterable[Record]:
        """Return what is recorded of a version that may be known, its model by the name `before`: the first stands."""
        recorder, uri = self.recorder, self._uri(version.name, version.version)
        epoch, number = self._epoch_of(version.name) or 0, int(version.version)
        earlier = {uri: recorder.naming.version(before, epoch, number).uri} if before else {}
        things = [(uri, tuple(self._records_of(version)))]
        kept = keep_first_of_versions(recorder.lineage(), things, recorder.clock(), recorder.agent(), earlier)
        return kept[0][1]

    def _recorded_version(self, name: str, version: Any) -> Any:
        return super().get_model_version(name, version)

    def _model(self, name: str) -> Any:
        try:
            return super().get_registered_model(name)
        except MlflowException:  # the call itself reports it
            return None

    def _epoch_of(self, name: str) -> int | None:
        model = self._known(name)
        return model.epoch if model else None

    def _known(self, name: str) -> Known | None:
        try:
            return self.known.find(name, super().get_registered_model)
        except MlflowException:  # the call itself reports it
            return None

    def _aliases(self, name: str) -> dict[str, Any]:
        model = self._model(name)
        return dict(model.aliases) if model else {}

    def _record_aliases(self, name: str, aliases: dict[str, Any]) -> None:
        recorder = self.recorder

        def facts() -> Iterable[Record]:
            model, now, agent = self._known(name), recorder.clock(), recorder.agent() or ""
            if model and model.is_prompt:
                return
            for alias, version in aliases.items():
                given = version is not None
                target = recorder.naming.version(name, model.epoch, int(version)) if model and given else None
                yield records_of_alias(recorder.naming, (name, alias), target, now, agent)

        if aliases:
            recorder.record(f"the aliases of {name}", facts)
