"""The OpenLineage specification 2-0-2 as far as Handrail reads it; what it does not read is ignored.

https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets below https://openlineage.io/spec/facets/.
"""

# pydantic reads the annotations at run time, so they stay real.

from typing import Literal

from pydantic import Field

from handrail.lineage.adapters.openlineage.facets import (
    ActivityFacet,
    AgreementFacet,
    ApprovalFacet,
    ArtifactFacet,
    DeploymentFacet,
    DerivationFacet,
    FeatureServiceFacet,
    FeatureViewFacet,
    ModelVersionFacet,
    MonitoringFacet,
    Stated,
    TrainingSetFacet,
    Uri,
)
from handrail.lineage.adapters.openlineage.fields import (
    Deletable,
    Moment,
    Name,
    Open,
    Reference,
    RunId,
)


class DatasetVersionFacet(Deletable):
    """facets/1-0-1/DatasetVersionDatasetFacet.json."""

    datasetVersion: Name  # noqa: N815 - the specification's own names, here and below


class _Job(Open):
    namespace: Name
    name: Name


class _RunId(Open):
    runId: RunId  # noqa: N815


class _Whole(Open):
    run: _RunId
    job: _Job


class ParentRunFacet(Deletable):
    """facets/1-2-0/ParentRunFacet.json."""

    run: _RunId
    job: _Job
    root: _Whole | None = None


class ErrorMessageFacet(Deletable):
    """facets/1-0-1/ErrorMessageRunFacet.json."""

    message: Name


class NominalTimeFacet(Deletable):
    """facets/1-0-1/NominalTimeRunFacet.json."""

    nominalStartTime: Moment  # noqa: N815
    nominalEndTime: Moment | None = None  # noqa: N815


class SourceCodeLocationFacet(Deletable):
    """facets/1-0-1/SourceCodeLocationJobFacet.json."""

    url: Reference
    version: Name | None = None


class DatasetName(_Job):
    """A dataset by its two names; `handrail_uri` is the artifact that it is, where Handrail wrote the event."""

    handrail_uri: Uri | None = None


class SymlinksFacet(Deletable):
    """facets/1-0-1/SymlinksDatasetFacet.json."""

    identifiers: list[DatasetName] = Field(default_factory=list)


class LifecycleFacet(Deletable):
    """facets/1-0-1/LifecycleStateChangeDatasetFacet.json."""

    lifecycleStateChange: Name  # noqa: N815
    previousIdentifier: DatasetName | None = None  # noqa: N815


class Transformation(Open):
    """How a column came from another."""

    type: Name
    subtype: Name | None = None

    @property
    def word(self) -> str:
        """The transformation as one word."""
        return f"{self.type}:{self.subtype}" if self.subtype else self.type


class InputField(DatasetName):
    """A column of a dataset."""

    field: Name
    transformations: list[Transformation] = Field(default_factory=list)


class ColumnFields(Open):
    """What one column came from."""

    inputFields: list[InputField] = Field(default_factory=list)  # noqa: N815
    transformationType: Name | None = None  # noqa: N815


class ColumnLineageFacet(Deletable):
    """facets/1-2-0/ColumnLineageDatasetFacet.json."""

    fields: dict[Name, ColumnFields] = Field(default_factory=dict)
    dataset: list[InputField] = Field(default_factory=list)


class LineageInput(Open):
    """A source: a dataset or one of its fields, or a job; without names it is the job of the event."""

    type: Literal["DATASET", "JOB"] = "DATASET"
    namespace: Name | None = None
    name: Name | None = None
    field: Name | None = None
    runId: RunId | None = None  # noqa: N815
    transformations: list[Transformation] = Field(default_factory=list)


class LineageField(Open):
    """What a field of a dataset comes from."""

    inputs: list[LineageInput] = Field(default_factory=list)


class LineageFacet(Deletable):
    """facets/1-0-0/LineageFacet.json, of a dataset."""

    inputs: list[LineageInput] = Field(default_factory=list)
    fields: dict[Name, LineageField] = Field(default_factory=dict)


class LineageEntry(LineageFacet):
    """What a dataset or a job comes from, as the facet of a job says."""

    type: Literal["DATASET", "JOB"]
    namespace: Name | None = None
    name: Name | None = None
    runId: RunId | None = None  # noqa: N815


class LineageJobFacet(Deletable):
    """facets/1-0-0/LineageFacet.json, of a job."""

    entries: list[LineageEntry] = Field(default_factory=list)


class DatasetFacets(Open):
    """Facets of a dataset."""

    version: DatasetVersionFacet | None = None
    symlinks: SymlinksFacet | None = None
    lifecycleStateChange: LifecycleFacet | None = None  # noqa: N815
    columnLineage: ColumnLineageFacet | None = None  # noqa: N815
    lineage: LineageFacet | None = None
    handrail_artifact: Stated[ArtifactFacet] = None
    handrail_modelVersion: Stated[ModelVersionFacet] = None  # noqa: N815
    handrail_trainingSet: Stated[TrainingSetFacet] = None  # noqa: N815
    handrail_featureService: Stated[FeatureServiceFacet] = None  # noqa: N815
    handrail_featureView: Stated[FeatureViewFacet] = None  # noqa: N815
    handrail_approval: Stated[ApprovalFacet] = None
    handrail_deployment: Stated[DeploymentFacet] = None
    handrail_monitoring: Stated[MonitoringFacet] = None

    @property
    def has_sources(self) -> bool:
        """Whether any of them may name what the dataset comes from."""
        return bool(self.columnLineage or self.lineage or self.lifecycleStateChange)


class InputFacets(Open):
    """Facets of a dataset as an input."""

    handrail_agreement: Stated[AgreementFacet] = None


class RunFacets(Open):
    """Facets of a run."""

    parent: ParentRunFacet | None = None
    nominalTime: NominalTimeFacet | None = None  # noqa: N815
    errorMessage: ErrorMessageFacet | None = None  # noqa: N815
    handrail_activity: Stated[ActivityFacet] = None
    handrail_derivation: Stated[DerivationFacet] = None


class JobFacets(Open):
    """Facets of a job."""

    sourceCodeLocation: SourceCodeLocationFacet | None = None  # noqa: N815
    lineage: LineageJobFacet | None = None


class DatasetModel(Open):
    """A dataset, as input, output or alone."""

    namespace: Name
    name: Name
    facets: DatasetFacets = DatasetFacets()
    inputFacets: InputFacets = InputFacets()  # noqa: N815


class JobModel(_Job):
    """A job."""

    facets: JobFacets = JobFacets()


class RunModel(_RunId):
    """A run."""

    facets: RunFacets = RunFacets()


class _Event(Open):
    eventTime: Moment  # noqa: N815
    producer: Reference
    # Required by the specification, and left out by its own examples and by events that other servers accept.
    schemaURL: Reference | None = None  # noqa: N815


class _EventOfJob(_Event):
    job: JobModel
    inputs: list[DatasetModel] = Field(default_factory=list)
    outputs: list[DatasetModel] = Field(default_factory=list)


class RunEventModel(_EventOfJob):
    """The state of a run; without a type it is `OTHER`."""

    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] = "OTHER"  # noqa: N815
    run: RunModel


class JobEventModel(_EventOfJob):
    """What a job reads and writes, whenever it runs."""


class DatasetEventModel(_Event):
    """A dataset alone."""

    dataset: DatasetModel
