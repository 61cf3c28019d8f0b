"""Feast's store together with the place of this project's feature tables. Imports Feast: import it lazily."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from feast import FeatureService, FeatureStore, RepoConfig

from feature_repo.offline import OFFLINE_STORE, PROVIDER

PROJECT = "handrail"


class ProjectStore(FeatureStore):
    """A local registry file, parquet offline, online what it gets. `features_root` holds a parquet file a view."""

    def __init__(self, home: Path, features_root: Path, online: dict[str, Any]) -> None:
        """Keep the registry below `home`, and online features where `online`, Feast's section of that name, says."""
        super().__init__(
            config=RepoConfig(
                project=PROJECT,
                provider=PROVIDER,
                registry=str(home / "registry.db"),
                offline_store={"type": OFFLINE_STORE},
                online_store=online,
                entity_key_serialization_version=3,
            )
        )
        self.features_root = features_root
        self._services: dict[str, FeatureService] = {}
        self.readers: dict[str, Callable[..., Any]] = {}
        """What reads each feature service online, once it has been read."""

    def service(self, name: str) -> FeatureService:
        """Return a registered feature service, read once: it never changes, and reading it takes milliseconds."""
        if name not in self._services:
            self._services[name] = self.get_feature_service(name)
        return self._services[name]
