"""One Feast project in lineage: its names there, and recording that never fails Feast."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from handrail.bootstrap import Platform
from handrail.entrypoints.feast.identity import identity_over, spec_hash
from handrail.entrypoints.hosts.recording import platform_here, record
from handrail.lineage import Lineage, artifact_at
from handrail.refs import ArtifactVersion, FeatureService, FeatureView

ASSERTED_BY = "feast"


class RecordedProject:
    """Records one Feast project, in the platform around the folder where its provider was first used."""

    def __init__(self, name: str, repo_path: Path | None) -> None:
        """Name things after the Feast project `name`; relative paths of sources count from `repo_path`."""
        self.name = name
        self.repo_path = repo_path or Path.cwd()
        self._opened: tuple[int, Platform] | None = None
        self._recorded_services: set[str] = set()

    @property
    def platform(self) -> Platform:
        """The platform that is recorded into; a fork opens its own.

        Raises:
            Misconfigured: its settings cannot be used.
        """
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), platform_here())
        return self._opened[1]

    def record(self, what: str, write: Callable[[Lineage], object], level: int = logging.WARNING) -> bool:
        """Write to lineage; return whether it was recorded. A failure is logged at `level`."""
        return record(what, write, lambda: self.platform, level)

    def record_activity(self, uri: str, kind: str, **facts: Any) -> bool:
        """Record an activity as `Lineage.record_activity` does; return whether it was recorded."""
        return self.record(uri, lambda lineage: lineage.record_activity(uri, kind, **facts))

    def uri(self, kind: str, name: str) -> str:
        """`feast://<project>/<kind>/<name>`."""
        return f"feast://{quote(self.name, safe='@:+~.-_')}/{kind}/{quote(name, safe='@:+~.-_')}"

    def new(self, kind: str) -> str:
        """Return the URI of something that happens now."""
        return self.uri(kind, uuid.uuid4().hex)

    def view(self, view: Any) -> ArtifactVersion:
        """Return a feature view at its specification."""
        digest = spec_hash(view)
        return artifact_at(FeatureView(self.name, view.name, digest).uri, f"sha256:{digest}")

    def service(self, service: Any, views: Mapping[str, ArtifactVersion]) -> ArtifactVersion:
        """Return a feature service at its specification and those of its views, by name."""
        hashes = {name: view.uri.rpartition("@")[2] for name, view in views.items()}
        digest = identity_over(service, hashes)["spec_hash"]
        return artifact_at(FeatureService(self.name, service.name, digest).uri, f"sha256:{digest}")

    def record_service(self, service: ArtifactVersion, views: Iterable[ArtifactVersion]) -> None:
        """Record once in a process that a service is made of its views."""
        if service.uri in self._recorded_services:
            return
        # As the record of dvc.lock has it: without digests, since no other source confirms this hop.
        whole = artifact_at(service.uri)
        recorded = [self.record(service.uri, partial(_derive, whole, artifact_at(view.uri))) for view in views]
        if all(recorded):
            self._recorded_services.add(service.uri)


def _derive(whole: ArtifactVersion, part: ArtifactVersion, lineage: Lineage) -> None:
    lineage.derive(whole, part, asserted_by=ASSERTED_BY)
