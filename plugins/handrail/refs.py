"""Names of things in other tools, and their URIs. Nothing here looks anything up.

A reference is immutable: it names one version. `ModelAlias` is the exception: it names a pointer, and has no URI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar
from urllib.parse import quote

__all__ = [
    "ArtifactVersion",
    "BentoTag",
    "DataVersion",
    "Deployment",
    "FeatureService",
    "FeatureView",
    "FlowDeployment",
    "FlowRun",
    "GitCommit",
    "LoggedModel",
    "ModelAlias",
    "ModelVersion",
    "Reference",
    "FeedbackSnapshot",
    "TaskRun",
    "TrackedDataset",
    "TrackingRun",
    "Use",
]

SAFE = "@:+~.-_"


@dataclass(frozen=True, slots=True)
class Reference:
    """What all references share: a URI of the form `FORM`, with a place for each field."""

    FORM: ClassVar[str]

    @property
    def uri(self) -> str:
        """The URI that names this version; a slash in a name is escaped, so that one name cannot look like two."""
        return self.FORM.format(
            **{
                each.name: quote(str(getattr(self, each.name)), safe=SAFE + "/" * (each.name == "path"))
                for each in fields(self)
            }
        )


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
class GitCommit(Reference):
    """A commit of a repository; `repository` is a short stable name, `commit` has 40 hex digits."""

    FORM = "git://{repository}/{commit}"

    repository: str
    commit: str


@dataclass(frozen=True, slots=True)
class DataVersion(Reference):
    """A file or folder under DVC at one content; `md5` is DVC's hash, ending in `.dir` for a folder."""

    FORM = "dvc://{repository}/{path}@{md5}"

    repository: str
    path: str
    md5: str


@dataclass(frozen=True, slots=True)
class FeatureService(Reference):
    """A Feast feature service at one specification; `spec_hash` is the sha256 of its canonical form."""

    FORM = "feast://{project}/feature_service/{name}@{spec_hash}"

    project: str
    name: str
    spec_hash: str


@dataclass(frozen=True, slots=True)
class FeatureView(Reference):
    """A Feast feature view at one specification; `spec_hash` is the sha256 of its canonical form."""

    FORM = "feast://{project}/feature_view/{name}@{spec_hash}"

    project: str
    name: str
    spec_hash: str


@dataclass(frozen=True, slots=True)
class TrackingRun(Reference):
    """An MLflow run on one server."""

    FORM = "mlflow://{server}/run/{run_id}"

    server: str
    run_id: str


@dataclass(frozen=True, slots=True)
class LoggedModel(Reference):
    """A model that MLflow logged, registered or not; `model_id` begins with `m-`."""

    FORM = "mlflow://{server}/model/{model_id}"

    server: str
    model_id: str


@dataclass(frozen=True, slots=True)
class TrackedDataset(Reference):
    """A dataset that an MLflow run names and no other tool does; `digest` is MLflow's, mostly of a frame in memory."""

    FORM = "mlflow://{server}/dataset/{name}@{digest}"

    server: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class FlowRun(Reference):
    """A Prefect flow run; `server` is the setting `environment`: run ids are unique without it."""

    FORM = "prefect://{server}/flow-run/{flow_run_id}"

    server: str
    flow_run_id: str


@dataclass(frozen=True, slots=True)
class TaskRun(Reference):
    """A Prefect task run; `server` as for a flow run."""

    FORM = "prefect://{server}/task-run/{task_run_id}"

    server: str
    task_run_id: str


@dataclass(frozen=True, slots=True)
class FlowDeployment(Reference):
    """A Prefect deployment, the plan that flow runs follow; `server` as for a flow run."""

    FORM = "prefect://{server}/deployment/{deployment_id}"

    server: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class ModelVersion(Reference):
    """A registered MLflow model version.

    `epoch` is the creation time of the registered model in milliseconds: after a delete and a new creation
    MLflow counts versions from 1 again, so name and version alone name two different things.
    """

    FORM = "mlflow://{server}/registered/{name}/{epoch}/{version}"

    server: str
    name: str
    epoch: int
    version: int


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
class BentoTag(Reference):
    """A built bento."""

    FORM = "bento://{name}/{version}"

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Deployment(Reference):
    """One rollout of one bento in one environment."""

    FORM = "deploy://{environment}/{service}/{deployment_id}"

    environment: str
    service: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class FeedbackSnapshot(Reference):
    """A feedback snapshot; `digest` is `<algorithm>:<hex>`, `store` the name of the feedback store."""

    FORM = "feedback://{store}/snapshot/{digest}"

    digest: str
    store: str = "handrail"

    @property
    def artifact(self) -> ArtifactVersion:
        """The snapshot as an artifact of lineage."""
        return ArtifactVersion(self.uri, "feedback-snapshot", self.digest)


@dataclass(frozen=True, slots=True)
class Use:
    """What a permit allows and a verifier is about to do: in an environment, serve a model as an alias of its server.

    It is no reference: which version that is changes with each promotion.
    """

    server: str
    model: str
    alias: str
    environment: str

    def __str__(self) -> str:
        """What it is, for people."""
        return f"{self.model!r} as {self.alias!r} of the server {self.server!r} in {self.environment!r}"

    def to_json(self) -> dict[str, str]:
        """Return the four names."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, names: Mapping[str, str]) -> Use:
        """Read what `to_json` wrote.

        Raises:
            ValueError: a name is missing, unknown, empty or no text.
        """
        wanted = [each.name for each in fields(cls)]
        if not isinstance(names, Mapping) or sorted(names) != sorted(wanted):
            raise ValueError(f"a use has exactly {', '.join(wanted)}")
        for name, value in names.items():
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name!r} is {value!r:.80}, expected a name")
        return cls(**names)
