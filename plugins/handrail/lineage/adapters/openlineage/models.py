"""The OpenLineage specification 2-0-2 as far as Handrail reads it; what it does not read is ignored.

https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets below https://openlineage.io/spec/facets/.
"""

# pydantic reads the annotations at run time, so they stay real.

from typing import Annotated, Literal

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
)
from handrail.lineage.adapters.openlineage.fields import (
    Deletable,
    Moment,
    Name,
    NoNulls,
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


class DatasetFacets(Open):
    """Facets of a dataset."""

    version: DatasetVersionFacet | None = None
    handrail_artifact: Stated[ArtifactFacet] = None
    handrail_modelVersion: Stated[ModelVersionFacet] = None  # noqa: N815
    handrail_trainingSet: Stated[TrainingSetFacet] = None  # noqa: N815
    handrail_featureService: Stated[FeatureServiceFacet] = None  # noqa: N815
    handrail_featureView: Stated[FeatureViewFacet] = None  # noqa: N815
    handrail_approval: Stated[ApprovalFacet] = None
    handrail_deployment: Stated[DeploymentFacet] = None
    handrail_monitoring: Stated[MonitoringFacet] = None


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
    schemaURL: Reference  # noqa: N815


class _EventOfJob(_Event):
    job: JobModel
    inputs: Annotated[list[DatasetModel], NoNulls] = Field(default_factory=list)
    outputs: Annotated[list[DatasetModel], NoNulls] = Field(default_factory=list)


class RunEventModel(_EventOfJob):
    """The state of a run; without a type it is `OTHER`."""

    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] = "OTHER"  # noqa: N815
    run: RunModel


class JobEventModel(_EventOfJob):
    """What a job reads and writes, whenever it runs."""


class DatasetEventModel(_Event):
    """A dataset alone."""

    dataset: DatasetModel
