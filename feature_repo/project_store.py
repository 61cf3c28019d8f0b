"""Feast's store together with the place of this project's feature tables. Imports Feast: import it lazily."""

from __future__ import annotations

from pathlib import Path

from feast import FeatureService, FeatureStore, RepoConfig

from feature_repo.offline import OFFLINE_STORE, PROVIDER

PROJECT = "handrail"


class ProjectStore(FeatureStore):
    """A local store: registry file, parquet offline, SQLite online. `features_root` holds a parquet file a view."""

    def __init__(self, home: Path, features_root: Path) -> None:
        """Keep registry and online database below `home`; offline, the store that loses no row."""
        super().__init__(
            config=RepoConfig(
                project=PROJECT,
                provider=PROVIDER,
                registry=str(home / "registry.db"),
                offline_store={"type": OFFLINE_STORE},
                online_store={"type": "sqlite", "path": str(home / "online.db")},
                entity_key_serialization_version=3,
            )
        )
        self.features_root = features_root
        self._services: dict[str, FeatureService] = {}

    def service(self, name: str) -> FeatureService:
        """Return a registered feature service, read once: it never changes, and reading it takes milliseconds."""
        if name not in self._services:
            self._services[name] = self.get_feature_service(name)
        return self._services[name]
