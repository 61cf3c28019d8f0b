"""The guard around MLflow's tracking store: what a version depends on stays, and so does what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlflow.entities import RunStatus, ViewType

from handrail.approvals import Guard, is_bound_tag
from handrail.entrypoints.mlflow.app.asking import ask
from handrail.entrypoints.mlflow.app.logins import current_account

PARENT_TAG = "mlflow.parentRunId"
_RUN_ID = re.compile(r"[0-9a-f]{32}")
# Methods of a class that MLflow chooses at run time come after these.
_Store: Any = object


class GuardedTracking(_Store):
    """Comes before the methods of MLflow's tracking store that make or remove what a version depends on."""

    guard: Guard

    def create_run(self, *args: Any, **kwargs: Any) -> Any:
        """Remember who made the run; `user_id` and the tag mlflow.user are the client's own words."""
        run = super().create_run(*args, **kwargs)
        # The maker last: a stop before it leaves a run that nobody made, and such a run is refused.
        if parent := run.data.tags.get(PARENT_TAG):
            ask(self.guard.has_parent, run.info.run_id, parent)
        ask(self.guard.made, "run", run.info.run_id, current_account())
        return run

    def set_tag(self, run_id: str, tag: Any) -> Any:
        """Keep where a held run came from, and remember the parent of a run before it has it."""
        with self.guard.changing():
            self._keep_origin(run_id, {tag.key: tag.value})
            self._remember_parent(run_id, [tag])
            return super().set_tag(run_id, tag)

    def log_batch(self, run_id: str, metrics: Any, params: Any, tags: Any) -> Any:
        """Keep where a held run came from, and remember the parent of a run before it has it."""
        with self.guard.changing():
            self._keep_origin(run_id, {tag.key: tag.value for tag in tags or []})
            self._remember_parent(run_id, tags or [])
            return super().log_batch(run_id, metrics, params, tags)

    def delete_tag(self, run_id: str, key: str) -> Any:
        """Keep where a held run came from."""
        with self.guard.changing():
            self._keep_origin(run_id, {key: None})
            return super().delete_tag(run_id, key)

    def log_inputs(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        """Refuse to add to what a held run read."""
        with self.guard.changing():
            ask(self.guard.origin, "run", self._run(run_id), "What it read")
            return super().log_inputs(run_id, *args, **kwargs)

    def log_outputs(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        """Refuse to add to what a held run made."""
        with self.guard.changing():
            ask(self.guard.origin, "run", self._run(run_id), "What it made")
            return super().log_outputs(run_id, *args, **kwargs)

    def update_run_info(self, run_id: str, run_status: Any, end_time: Any, run_name: Any) -> Any:
        """Refuse another end of a held run that has ended; one that still runs may end."""
        with self.guard.changing():
            if run_status is not None or end_time is not None:
                self._keep_end(run_id, run_status, end_time)
            return super().update_run_info(run_id, run_status, end_time, run_name)

    def _keep_end(self, run_id: str, run_status: Any, end_time: Any) -> None:
        if not self.guard.is_held("run", self._run(run_id)):
            return
        info = super().get_run(run_id).info
        same_status = run_status is None or RunStatus.to_string(run_status) == info.status
        same_end = end_time is None or end_time == info.end_time
        if RunStatus.is_terminated(RunStatus.from_string(info.status)) and not (same_status and same_end):
            ask(self.guard.origin, "run", info.run_id, "Its end")

    def _keep_origin(self, run_id: str, tags: Mapping[str, str | None]) -> None:
        bound = {key: value for key, value in tags.items() if is_bound_tag(key)}
        if not bound or not self.guard.is_held("run", self._run(run_id)):
            return
        run = super().get_run(run_id)
        for key, value in bound.items():
            if _changes(run.data.tags.get(key), key, value):
                ask(self.guard.origin, "run", run.info.run_id, f"The tag {key!r}")

    def _remember_parent(self, run_id: str, tags: Iterable[Any]) -> None:
        for tag in tags:
            if tag.key == PARENT_TAG and tag.value:
                ask(self.guard.has_parent, run_id, tag.value)

    def create_logged_model(self, *args: Any, **kwargs: Any) -> Any:
        """Remember who made the logged model."""
        model = super().create_logged_model(*args, **kwargs)
        ask(self.guard.made, "logged_model", model.model_id, current_account())
        return model

    def delete_run(self, run_id: str) -> Any:
        """Refuse a run that is held."""
        with self.guard.changing():
            ask(self.guard.removal, "run", self._run(run_id))
            return super().delete_run(run_id)

    def delete_experiment(self, experiment_id: str) -> Any:
        """Refuse an experiment that holds a run that is held."""
        found = super().get_experiment(experiment_id)
        with self.guard.changing():
            ask(self.guard.removal, "experiment", str(found.experiment_id))
            return super().delete_experiment(experiment_id)

    def delete_logged_model(self, model_id: str) -> Any:
        """Refuse a logged model that is held."""
        with self.guard.changing():
            ask(self.guard.removal, "logged_model", super().get_logged_model(model_id).model_id)
            return super().delete_logged_model(model_id)

    def set_logged_model_tags(self, model_id: str, tags: Any) -> Any:
        """Keep where a held logged model came from."""
        with self.guard.changing():
            self._keep_origin_of_model(model_id, {tag.key: tag.value for tag in tags})
            return super().set_logged_model_tags(model_id, tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> Any:
        """Keep where a held logged model came from."""
        with self.guard.changing():
            self._keep_origin_of_model(model_id, {key: None})
            return super().delete_logged_model_tag(model_id, key)

    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Refuse another status of a held logged model."""
        with self.guard.changing():
            model = super().get_logged_model(model_id)
            if model.status != status:
                ask(self.guard.origin, "logged_model", model.model_id, "Its status")
            return super().finalize_logged_model(model_id, status)

    def _keep_origin_of_model(self, model_id: str, tags: Mapping[str, str | None]) -> None:
        bound = {key: value for key, value in tags.items() if is_bound_tag(key)}
        if not bound:
            return
        model = super().get_logged_model(model_id)
        for key, value in bound.items():
            if _changes(model.tags.get(key), key, value):
                ask(self.guard.origin, "logged_model", model.model_id, f"The tag {key!r}")

    def _run(self, run_id: str) -> str:
        """Return the run's id as the store has it: what is judged is what the store would act on."""
        return run_id if _RUN_ID.fullmatch(run_id) else str(super().get_run(run_id).info.run_id)

    def create_experiment(self, name: str, artifact_location: Any = None, tags: Any = None) -> Any:
        """Refuse a place for files that the server's rules on artifacts do not reach, or that is another's."""
        if artifact_location:
            places = (str(found.artifact_location) for found in self._experiments())
            ask(self.guard.place, str(artifact_location), places)
        return super().create_experiment(name, artifact_location, tags)

    def _experiments(self) -> Iterator[Any]:
        token = None
        while True:
            page = super().search_experiments(view_type=ViewType.ALL, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def _changes(now: str | None, key: str, value: str | None) -> bool:
    """Whether a tag would say something else than before; Handrail's own tools may add words of their own."""
    return value != now and not (now is None and key.startswith("handrail."))
