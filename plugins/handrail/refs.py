"""Names of things in other tools, and their URIs. Nothing here looks anything up.

A reference is immutable: it names one version. `ModelAlias` is the exception: it names a pointer, and has no URI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote


def _segment(text: str) -> str:
    """Escape one path segment of a URI, so that a name with a slash cannot pose as two."""
    return quote(text, safe="@:+~.-_")


@dataclass(frozen=True, slots=True)
class ArtifactVersion:
    """One immutable version of anything that lineage can name, as a tool hands it over.

    `kind` is the artifact's type in words (`dvc-data`, `feature-view`, `model-version`, ...), `digest` is
    `<algorithm>:<hex>` of its bytes, or None if the tool knows none.
    """

    uri: str
    kind: str
    digest: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit of a repository; `repository` is a short stable name, `commit` has 40 hex digits."""

    repository: str
    commit: str

    @property
    def uri(self) -> str:
        """`git://<repository>/<commit>`."""
        return f"git://{_segment(self.repository)}/{_segment(self.commit)}"


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A file or folder under DVC at one content; `md5` is DVC's hash, ending in `.dir` for a folder."""

    repository: str
    path: str
    md5: str

    @property
    def uri(self) -> str:
        """`dvc://<repository>/<path>@<md5>`."""
        return f"dvc://{_segment(self.repository)}/{quote(self.path, safe='/@:+~.-_')}@{_segment(self.md5)}"


@dataclass(frozen=True, slots=True)
class FeatureService:
    """A Feast feature service at one specification; `spec_hash` is the sha256 of its canonical form."""

    project: str
    name: str
    spec_hash: str

    @property
    def uri(self) -> str:
        """`feast://<project>/feature_service/<name>@<spec hash>`."""
        return f"feast://{_segment(self.project)}/feature_service/{_segment(self.name)}@{_segment(self.spec_hash)}"


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A Feast feature view at one specification; `spec_hash` is the sha256 of its canonical form."""

    project: str
    name: str
    spec_hash: str

    @property
    def uri(self) -> str:
        """`feast://<project>/feature_view/<name>@<spec hash>`."""
        return f"feast://{_segment(self.project)}/feature_view/{_segment(self.name)}@{_segment(self.spec_hash)}"


@dataclass(frozen=True, slots=True)
class TrackingRun:
    """An MLflow run on one server."""

    server: str
    run_id: str

    @property
    def uri(self) -> str:
        """`mlflow://<server>/run/<run id>`."""
        return f"mlflow://{_segment(self.server)}/run/{_segment(self.run_id)}"


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that MLflow logged, registered or not; `model_id` begins with `m-`."""

    server: str
    model_id: str

    @property
    def uri(self) -> str:
        """`mlflow://<server>/model/<model id>`."""
        return f"mlflow://{_segment(self.server)}/model/{_segment(self.model_id)}"


@dataclass(frozen=True, slots=True)
class TrackedDataset:
    """A dataset that an MLflow run names and no other tool does; `digest` is MLflow's, mostly of a frame in memory."""

    server: str
    name: str
    digest: str

    @property
    def uri(self) -> str:
        """`mlflow://<server>/dataset/<name>@<digest>`."""
        return f"mlflow://{_segment(self.server)}/dataset/{_segment(self.name)}@{_segment(self.digest)}"


@dataclass(frozen=True, slots=True)
class FlowRun:
    """A Prefect flow run; `server` is the setting `environment`: run ids are unique without it."""

    server: str
    flow_run_id: str

    @property
    def uri(self) -> str:
        """`prefect://<server>/flow-run/<id>`."""
        return f"prefect://{_segment(self.server)}/flow-run/{_segment(self.flow_run_id)}"


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A Prefect task run; `server` as for a flow run."""

    server: str
    task_run_id: str

    @property
    def uri(self) -> str:
        """`prefect://<server>/task-run/<id>`."""
        return f"prefect://{_segment(self.server)}/task-run/{_segment(self.task_run_id)}"


@dataclass(frozen=True, slots=True)
class FlowDeployment:
    """A Prefect deployment, the plan that flow runs follow; `server` as for a flow run."""

    server: str
    deployment_id: str

    @property
    def uri(self) -> str:
        """`prefect://<server>/deployment/<id>`."""
        return f"prefect://{_segment(self.server)}/deployment/{_segment(self.deployment_id)}"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered MLflow model version.

    `epoch` is the creation time of the registered model in milliseconds: after a delete and a new creation
    MLflow counts versions from 1 again, so name and version alone name two different things.
    """

    server: str
    name: str
    epoch: int
    version: int

    @property
    def uri(self) -> str:
        """`mlflow://<server>/registered/<name>/<epoch>/<version>`."""
        return f"mlflow://{_segment(self.server)}/registered/{_segment(self.name)}/{self.epoch}/{self.version}"


@dataclass(frozen=True, slots=True)
class ModelAlias:
    """An alias of a registered model, which points at one version after the other."""

    PREFIX: ClassVar[str] = "mlflow alias "

    model: str
    alias: str

    @property
    def pointer(self) -> str:
        """`mlflow alias <model>@<alias>`: the name of its pointer in lineage."""
        return f"{self.PREFIX}{self.model}@{self.alias}"


@dataclass(frozen=True, slots=True)
class BentoTag:
    """A built bento."""

    name: str
    version: str

    @property
    def uri(self) -> str:
        """`bento://<name>/<version>`."""
        return f"bento://{_segment(self.name)}/{_segment(self.version)}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One rollout of one bento in one environment."""

    environment: str
    service: str
    deployment_id: str

    @property
    def uri(self) -> str:
        """`deploy://<environment>/<service>/<id>`."""
        return f"deploy://{_segment(self.environment)}/{_segment(self.service)}/{_segment(self.deployment_id)}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A feedback snapshot; `digest` is `<algorithm>:<hex>`, `store` the name of the feedback store."""

    digest: str
    store: str = "handrail"

    @property
    def uri(self) -> str:
        """`feedback://<store>/snapshot/<digest>`."""
        return f"feedback://{_segment(self.store)}/snapshot/{_segment(self.digest)}"

    @property
    def artifact(self) -> ArtifactVersion:
        """The snapshot as an artifact of lineage."""
        return ArtifactVersion(self.uri, "feedback-snapshot", self.digest)
