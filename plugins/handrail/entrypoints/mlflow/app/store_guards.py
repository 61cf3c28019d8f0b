"""Guards around MLflow's stores: every REST shape, prefix and admin call ends in these methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.server import handlers
from mlflow.store.db.db_types import DATABASE_ENGINES

from handrail.approvals import PROMPT_TAG, Candidate, Guard, is_bound_tag, is_reserved_tag
from handrail.bootstrap.mlflow_server import is_allowed_move, is_content_tag, is_own_notice, is_prompt, own_text
from handrail.entrypoints.mlflow.app.asking import ask
from handrail.entrypoints.mlflow.app.described import KeptDescriptions
from handrail.entrypoints.mlflow.app.known_models import KnownModels
from handrail.entrypoints.mlflow.app.logins import current_account
from handrail.entrypoints.mlflow.app.recorded_stores import RecordedRegistry, RecordedTracking, Recorder
from handrail.entrypoints.mlflow.app.tracking_guard import GuardedTracking
from handrail.errors import Misconfigured

# Methods of a class that MLflow chooses at run time come after these.
_Store: Any = object


class GuardedRegistry(_Store):
    """Comes before the methods of MLflow's registry store that can change what is served."""

    guard: Guard
    known: KnownModels

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> Any:
        """Refuse a protected alias unless the gate itself is moving it."""
        if not is_allowed_move(name, alias, version):
            self._keep_alias(name, alias, version)
        return super().set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> Any:
        """Refuse a protected alias."""
        self._keep_alias(name, alias, None)
        return super().delete_registered_model_alias(name, alias)

    def _keep_alias(self, name: str, alias: str, version: Any) -> None:
        """Refuse a protected alias of what the version is, a model or a prompt; of what it points at without one."""
        if not any(self.guard.is_protected(name, alias, prompt=prompt) for prompt in (False, True)):
            return
        if version is None:
            version = super().get_registered_model(name).aliases.get(alias)
        prompt = version is not None and self._is_text_of_prompt(name, version)
        ask(self.guard.alias, name, alias, prompt=prompt)

    def _is_text_of_prompt(self, name: str, version: Any) -> bool:
        """Whether this is a version of a prompt, which MLflow keeps as a model: only text, and no files to load."""
        try:
            registered = super().get_registered_model(name)
            return registered._is_prompt() and is_prompt(registered, super().get_model_version(name, version))
        except MlflowException:  # the call itself reports it
            return False

    def transition_model_version_stage(
        self, name: str, version: Any, stage: str, archive_existing_versions: Any
    ) -> Any:
        """Refuse to enter or leave Production."""
        current = super().get_model_version(name, version).current_stage
        ask(self.guard.stage, name, stage, current)
        return super().transition_model_version_stage(name, version, stage, archive_existing_versions)

    def create_registered_model(self, name: str, tags: Any = None, **others: Any) -> Any:
        """Refuse tags that look like approvals."""
        self._refuse_tags(tag for tag in tags or [] if tag.key != PROMPT_TAG)
        with self.known.changing():
            return super().create_registered_model(name, tags, **others)

    def create_model_version(self, name: str, source: str, run_id: Any = None, tags: Any = None, **others: Any) -> Any:
        """Refuse tags that look like approvals, and remember who made the version."""
        if source.startswith("models:"):  # copying a version copies its tags: the copy starts without ours
            tags = [tag for tag in tags or [] if not is_reserved_tag(tag.key)]
        self._refuse_tags(tag for tag in tags or [] if tag.key != PROMPT_TAG)
        made = super().create_model_version(name, source, run_id, tags, **others)
        known = self.known.find(name, super().get_registered_model)
        key = Candidate(name, known.epoch, int(made.version), int(made.creation_timestamp), tree="").key
        ask(self.guard.made, "version", key, current_account())
        if known.is_prompt:
            text = own_text({tag.key: tag.value for tag in tags or []}, key)
            ask(self.guard.wrote_prompt, name, int(made.version), current_account(), text)
        return made

    def delete_model_version(self, name: str, version: Any) -> Any:
        """Refuse a version that is held."""
        found = super().get_model_version(name, version)
        with self.guard.changing():
            ask(self.guard.removal, "version", f"{found.name}/{int(found.version)}")
            return super().delete_model_version(name, version)

    def delete_registered_model(self, name: str) -> Any:
        """Refuse a model with a version that is held."""
        with self.guard.changing(), self.known.changing():
            ask(self.guard.removal, "model", super().get_registered_model(name).name)
            return super().delete_registered_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Refuse a model with a version that is held, or with an alias that a policy names under either name."""
        found = super().get_registered_model(name)
        aliases = {alias: self._is_text_of_prompt(name, version) for alias, version in found.aliases.items()}
        with self.guard.changing(), self.known.changing():
            ask(self.guard.removal, "model", found.name)
            ask(self.guard.name, found.name, new_name, aliases)
            return super().rename_registered_model(name, new_name)

    def set_model_version_tag(self, name: str, version: Any, tag: Any) -> Any:
        """Refuse reserved tags, and another word on where a held version came from."""
        self._refuse_tags([tag])
        with self.guard.changing():
            self._keep_origin(name, version, tag.key, tag.value)
            self._remember_writer(name, version, tag.key)
            return super().set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: Any, key: str) -> Any:
        """Refuse reserved tags, and to take away where a held version came from."""
        ask(self.guard.tag, key)
        with self.guard.changing():
            self._keep_origin(name, version, key, None)
            self._remember_writer(name, version, key)
            return super().delete_model_version_tag(name, version, key)

    def set_registered_model_tag(self, name: str, tag: Any) -> Any:
        """Refuse reserved tags."""
        self._refuse_tags([tag])
        return super().set_registered_model_tag(name, tag)

    def delete_registered_model_tag(self, name: str, key: str) -> Any:
        """Refuse reserved tags."""
        ask(self.guard.tag, key)
        return super().delete_registered_model_tag(name, key)

    def _remember_writer(self, name: str, version: Any, key: str) -> None:
        """Remember, before it happens, who changes a part of a prompt that is approved with it."""
        if is_content_tag(key) and self.known.find(name, super().get_registered_model).is_prompt:
            found = super().get_model_version(name, version)
            ask(self.guard.wrote_prompt, found.name, int(found.version), current_account())

    def _keep_origin(self, name: str, version: Any, key: str, value: str | None) -> None:
        if is_bound_tag(key) or is_content_tag(key):
            found = super().get_model_version(name, version)
            if found.tags.get(key) != value:
                ask(self.guard.origin, "version", f"{found.name}/{int(found.version)}", f"The tag {key!r}")

    def _refuse_tags(self, tags: Iterable[Any]) -> None:
        for tag in () if is_own_notice() else tags:
            ask(self.guard.tag, tag.key)


def guard_stores(guard: Guard, recorder: Recorder) -> None:
    """Make the server open its stores behind the guard, and record in lineage what they have done.

    Raises:
        Misconfigured: the stores are not in a database; without the guard nothing may start.
    """
    registry: Any = handlers._model_registry_store_registry
    tracking: Any = handlers._tracking_store_registry
    open_registry, open_tracking = type(registry)._get_sqlalchemy_store, type(tracking)._get_sqlalchemy_store

    attributes = {"guard": guard, "recorder": recorder, "known": KnownModels()}

    # MLflow inspects the names of these parameters.
    def registry_store(store_uri: str) -> Any:
        store = open_registry(store_uri)
        return _wrapped(store, (RecordedRegistry, GuardedRegistry, KeptDescriptions), attributes)

    def tracking_store(store_uri: str, artifact_uri: str) -> Any:
        store = open_tracking(store_uri, artifact_uri)
        return _wrapped(store, (RecordedTracking, GuardedTracking), attributes)

    for scheme in DATABASE_ENGINES:
        registry.register(scheme, registry_store)
        tracking.register(scheme, tracking_store)
    registry._get_store_with_resolved_uri.cache_clear()
    tracking._get_store_with_resolved_uri.cache_clear()
    handlers._model_registry_store = None
    handlers._tracking_store = None
    for store, expected in (
        (handlers._get_tracking_store(), GuardedTracking),
        (handlers._get_model_registry_store(), GuardedRegistry),
    ):
        if not isinstance(store, expected):
            raise Misconfigured(
                "--backend-store-uri",
                f"{type(store).__name__} cannot be guarded",
                "Give a database, for example sqlite:///mlflow.db.",
            )


def _wrapped(store: Any, around: tuple[type, ...], attributes: dict[str, Any]) -> Any:
    kind = type(store)
    store.__class__ = type(f"Guarded{kind.__name__}", (*around, kind), attributes)
    return store
