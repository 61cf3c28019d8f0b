"""What is recorded in lineage, one value a transaction, and the names that an MLflow server's things have there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.mlflow.collect.repositories import repository_name
from handrail.lineage import ActivityDetails, Lineage, artifact_at
from handrail.refs import ArtifactVersion, LoggedModel, ModelVersion, TrackingRun

ASSERTED_BY = "mlflow"
PAGE = 200
MOST_CHARACTERS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Naming:
    """Where things are: the server's name in URIs, the repository if a run names none, the environment of flow runs.

    `addresses` are those that the project's own repository is known by.
    """

    server: str
    repository: str
    environment: str
    addresses: tuple[str, ...] = ()

    def repository_at(self, address: str) -> str:
        """Return the name of the repository at an address: the project's own, else one after the address."""
        name = repository_name(address)
        return self.repository if name in map(repository_name, self.addresses) else name

    def run(self, run_id: str) -> str:
        """Return the URI of a run."""
        return TrackingRun(self.server, run_id).uri

    def model(self, model_id: str) -> ArtifactVersion:
        """Return a logged model."""
        return artifact_at(LoggedModel(self.server, model_id).uri)

    def version(self, name: str, epoch: int, version: int) -> ModelVersion:
        """Return the reference of a registered version."""
        return ModelVersion(self.server, name, epoch, version)


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """An activity, what it used and generated, and who is responsible for it."""

    uri: str
    kind: str
    used: tuple[ArtifactVersion, ...] = ()
    generated: tuple[ArtifactVersion, ...] = ()
    agents: tuple[str, ...] = ()
    details: ActivityDetails = field(default_factory=ActivityDetails)

    def record(self, lineage: Lineage) -> None:
        """Record it."""
        lineage.record_activity(
            self.uri,
            self.kind,
            used=self.used,
            generated=self.generated,
            agents=self.agents,
            details=self.details,
        )


@dataclass(frozen=True, slots=True)
class DerivationRecord:
    """That an artifact came from another one."""

    effect: ArtifactVersion
    cause: ArtifactVersion

    def record(self, lineage: Lineage) -> None:
        """Record it."""
        lineage.derive(self.effect, self.cause, asserted_by=ASSERTED_BY)


@dataclass(frozen=True, slots=True)
class PointerRecord:
    """That a moving name points at a version from a moment on, or at nothing."""

    name: str
    target: ModelVersion | None
    at: datetime
    by: str

    def record(self, lineage: Lineage) -> None:
        """Record it."""
        lineage.point(self.name, self.target, self.at, self.by)


Record = ActivityRecord | DerivationRecord | PointerRecord


def pages(search: Callable[..., Any], *wanted: Any) -> Iterator[Any]:
    """Yield all that a search of MLflow's finds, page by page."""
    token: str | None = None
    while True:
        page = search(*wanted, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def moment(milliseconds: object) -> datetime | None:
    """Return a moment of MLflow's; None if it has none, or one outside of the calendar."""
    try:
        return _EPOCH + timedelta(milliseconds=int(str(milliseconds))) if milliseconds else None
    except (ValueError, OverflowError):
        return None


def is_since(since: datetime | None, *moments: object) -> bool:
    """Return whether one of MLflow's moments is at or after `since`; what has no end yet counts as now."""
    found = [moment(each) for each in moments]
    return since is None or found[-1] is None or any(each >= since for each in found if each)


def presentable(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return what is known as texts that the store takes: short, without null characters, logins and signed queries."""
    texts = {name: str(value).replace("\x00", "") for name, value in attributes.items() if value not in (None, "")}
    return {name: without_secrets(text)[:MOST_CHARACTERS] for name, text in texts.items() if text}
