"""Handrail's own facets as they are read; their schemas are in infra/openlineage.

A facet's producer may be newer than this reader: fields that it does not know may be beside the known ones.
"""

# pydantic reads the annotations at run time, so they stay real.

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage.fields import Moment, Open, OwnFacet
from handrail.lineage.domain.names import UNSHOWABLE, check_uri

MAX_KIND = 100
MAX_LISTED = 10_000


def _uri(text: str) -> str:
    try:
        return check_uri("uri", text)
    except InvalidInput as err:
        raise ValueError(str(err).removeprefix("uri: ")) from err


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds a null character")
    return text


def _unless_deleted(facet: Any) -> Any:
    return None if isinstance(facet, dict) and facet.get("_deleted") is True else facet


def _showable(text: str) -> str:
    if UNSHOWABLE.search(text):
        raise ValueError("it holds a control character")
    return text


T = TypeVar("T")
Stated = Annotated[T | None, BeforeValidator(_unless_deleted)]
"""A facet that may be absent, or be taken back with `_deleted`."""
Uri = Annotated[str, AfterValidator(_uri)]
Digest = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*:[0-9a-f]+(\.dir)?$", max_length=300)]
Text = Annotated[str, AfterValidator(_printable)]
Word = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_printable)]
Kind = Annotated[str, Field(min_length=1, max_length=MAX_KIND), AfterValidator(_showable)]
Uris = Annotated[list[Uri], Field(max_length=MAX_LISTED)]
Attributes = dict[Text, Text | Annotated[list[Text], Field(min_length=1)]]


class ArtifactFacet(OwnFacet):
    """HandrailArtifactDatasetFacet: which artifact a dataset is, and the digests of its bytes."""

    uri: Uri | None = None
    kind: Kind | None = None
    digests: Annotated[list[Digest], Field(max_length=16)] = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)


class PartnerModel(Open):
    """An agent, or an activity, that an activity goes with."""

    uri: Uri
    role: Literal["agent", "activity"] = "agent"
    kind: Kind | None = None
    attributes: Attributes = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_an_actor(self) -> Self:
        if self.role == "agent" and not self.uri.startswith("actor://"):
            raise ValueError("an agent is actor://<identity provider>/<subject>")
        return self


class ActivityFacet(OwnFacet):
    """HandrailActivityRunFacet: which activity a run is, who answers for it, and who says so."""

    uri: Uri | None = None
    kind: Kind | None = None
    startedAt: Moment | None = None  # noqa: N815 - names as on the wire, here and below
    endedAt: Moment | None = None  # noqa: N815
    attributes: Attributes = Field(default_factory=dict)
    associatedWith: Annotated[list[PartnerModel], Field(max_length=MAX_LISTED)] = Field(  # noqa: N815
        default_factory=list
    )
    assertedBy: Word | None = None  # noqa: N815


class DerivationFacet(OwnFacet):
    """HandrailDerivationRunFacet: the run is not an activity; its outputs were derived from its inputs."""

    verb: Literal["derived_from"]
    assertedBy: Word | None = None  # noqa: N815


class AgreementFacet(OwnFacet):
    """HandrailAgreementInputDatasetFacet: a digest that was compared here and in the output, and is the same."""

    digest: Digest


class ModelVersionFacet(OwnFacet):
    """HandrailModelVersionDatasetFacet."""

    server: Word
    name: Word
    epoch: Annotated[int, Field(ge=0)]
    version: Annotated[int, Field(ge=1)]
    treeDigest: Digest | None = None  # noqa: N815


class TrainingSetFacet(OwnFacet):
    """HandrailTrainingSetDatasetFacet."""

    repository: Word
    path: Word
    version: Word
    rows: Annotated[int, Field(ge=0)] | None = None
    featureService: Uri | None = None  # noqa: N815
    featureViews: Uris = Field(default_factory=list)  # noqa: N815


class FeatureViewFacet(OwnFacet):
    """HandrailFeatureViewDatasetFacet."""

    project: Word
    name: Word
    specHash: Word  # noqa: N815


class FeatureServiceFacet(FeatureViewFacet):
    """HandrailFeatureServiceDatasetFacet."""

    featureViews: Uris = Field(default_factory=list)  # noqa: N815


class ApprovalFacet(OwnFacet):
    """HandrailApprovalDatasetFacet."""

    gate: Word
    request: Word
    model: Uri | None = None
    treeDigest: Digest | None = None  # noqa: N815
    policyDigest: Digest | None = None  # noqa: N815
    approvers: Uris = Field(default_factory=list)


class DeploymentFacet(OwnFacet):
    """HandrailDeploymentDatasetFacet."""

    environment: Word
    service: Word
    deployment: Word
    bento: Uri | None = None
    treeDigest: Digest | None = None  # noqa: N815


class MonitoringFacet(OwnFacet):
    """HandrailMonitoringDatasetFacet: a snapshot of feedback, or a report; `about` is what it is a function of."""

    subject: Literal["snapshot", "report"]
    scope: Word
    id: Word
    about: Uris = Field(default_factory=list)
