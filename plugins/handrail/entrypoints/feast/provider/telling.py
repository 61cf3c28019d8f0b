"""One Feast project's way to lineage: its names there, and the promise that telling never gets in Feast's way."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from handrail.bootstrap import Platform
from handrail.entrypoints.feast.identity import identity_over, spec_hash
from handrail.entrypoints.hosts.recording import platform_here, record
from handrail.lineage import Lineage, artifact_at
from handrail.refs import ArtifactVersion, FeatureService, FeatureView

ASSERTED_BY = "feast"
_Result = TypeVar("_Result")
_log = logging.getLogger("handrail.lineage")


def guarded(what: str, call: Callable[[], _Result], otherwise: _Result, level: int = logging.WARNING) -> _Result:
    """Return what `call` returns; if it raises anything, log what lineage does not know, and return `otherwise`."""
    try:
        return call()
    except Exception as err:  # noqa: BLE001 - whatever goes wrong in recording must not reach Feast's user
        _log.log(level, "Lineage does not know of %s. %s: %s", what, type(err).__name__, err)
        return otherwise


class Teller:
    """Tells lineage of one Feast project, in the platform around the folder where its provider was first used."""

    def __init__(self, project: str, repo_path: Path | None) -> None:
        """Name things after the Feast `project`; relative paths of sources count from `repo_path`."""
        self.project = project
        self.repo_path = repo_path or Path.cwd()
        self._opened: tuple[int, Platform] | None = None
        self._told_services: set[str] = set()

    @property
    def platform(self) -> Platform:
        """The platform that is told; a fork opens its own.

        Raises:
            Misconfigured: its settings cannot be used.
        """
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), platform_here())
        return self._opened[1]

    def tell(self, what: str, write: Callable[[Lineage], object], *, aloud: bool = True) -> bool:
        """Write to lineage; tell whether it was recorded. What fails is logged, unless `aloud` is off."""
        if aloud:
            return guarded(what, lambda: record(what, write, lambda: self.platform), False)
        return guarded(what, lambda: (write(self.platform.lineage), True)[1], False, logging.DEBUG)

    def uri(self, kind: str, name: str) -> str:
        """`feast://<project>/<kind>/<name>`."""
        return f"feast://{quote(self.project, safe='@:+~.-_')}/{kind}/{quote(name, safe='@:+~.-_')}"

    def new(self, kind: str) -> str:
        """Return the URI of something that happens now."""
        return self.uri(kind, uuid.uuid4().hex)

    def view(self, view: Any) -> ArtifactVersion:
        """Return a feature view at its specification."""
        digest = spec_hash(view)
        return artifact_at(FeatureView(self.project, view.name, digest).uri, f"sha256:{digest}")

    def service(self, service: Any, views: Mapping[str, ArtifactVersion]) -> ArtifactVersion:
        """Return a feature service at its specification and those of its views, by name."""
        hashes = {name: view.uri.rpartition("@")[2] for name, view in views.items()}
        digest = identity_over(service, hashes)["spec_hash"]
        return artifact_at(FeatureService(self.project, service.name, digest).uri, f"sha256:{digest}")

    def tell_service(self, service: ArtifactVersion, views: Iterable[ArtifactVersion]) -> None:
        """Say once in a process that a service is made of its views."""
        if service.uri in self._told_services:
            return
        # As the record of dvc.lock has it: without digests, since nobody else vouches for this hop.
        whole = artifact_at(service.uri)
        told = [self.tell(service.uri, partial(_derive, whole, artifact_at(view.uri))) for view in views]
        if all(told):
            self._told_services.add(service.uri)


def _derive(whole: ArtifactVersion, part: ArtifactVersion, lineage: Lineage) -> None:
    lineage.derive(whole, part, asserted_by=ASSERTED_BY)
