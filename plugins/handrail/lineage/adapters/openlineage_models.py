"""The OpenLineage specification 2-0-2 as far as Handrail reads it; what it does not read is let through.

https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets below https://openlineage.io/spec/facets/.
"""

# pydantic reads the annotations at run time, so they stay real.

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

MAX_NAME = 512
MAX_DATASETS = 10_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_REFERENCE = re.compile(r"[^\s\"<>\\^`{|}\x00-\x1f\x7f]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("it holds a control character")
    if "'" in text or '"' in text:
        raise ValueError("it holds a quote")
    if ".." in re.split(r"[/\\]", text):
        raise ValueError("it climbs out of its folder with '..'")
    if text != text.strip() or not text.strip("/"):
        raise ValueError("it is blank, or begins or ends with a blank")
    return text


def _moment(text: Any) -> datetime:
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise ValueError("it is no RFC 3339 date-time with a time zone, as in 2026-11-23T12:00:00Z")
    return datetime.fromisoformat(text.upper())


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError("it is no URI")
    return text


def _uuid(text: Any) -> UUID:
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError("it is no UUID")
    return UUID(text)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_plain)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reference = Annotated[str, Field(max_length=2048), AfterValidator(_reference)]
RunId = Annotated[UUID, BeforeValidator(_uuid)]
Facet = dict[str, JsonValue]


class _Open(BaseModel):
    """A part of an event; keys that Handrail does not read may stand beside the known ones."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class _StandardFacet(_Open):
    producer: Reference = Field(alias="_producer")
    schema_url: Reference = Field(alias="_schemaURL")
    deleted: bool = Field(default=False, alias="_deleted")


class DatasetVersionFacet(_StandardFacet):
    """facets/1-0-1/DatasetVersionDatasetFacet.json."""

    datasetVersion: Name  # noqa: N815 - the specification's own names, here and below


class _Job(_Open):
    namespace: Name
    name: Name


class _RunId(_Open):
    runId: RunId  # noqa: N815


class ParentRunFacet(_StandardFacet):
    """facets/1-1-0/ParentRunFacet.json."""

    run: _RunId
    job: _Job


class NominalTimeFacet(_StandardFacet):
    """facets/1-0-1/NominalTimeRunFacet.json."""

    nominalStartTime: Moment  # noqa: N815
    nominalEndTime: Moment | None = None  # noqa: N815


class SourceCodeLocationFacet(_StandardFacet):
    """facets/1-0-1/SourceCodeLocationJobFacet.json."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    url: Reference
    version: Annotated[str, Field(max_length=MAX_NAME)] | None = None


class DatasetFacets(_Open):
    """Facets of a dataset; those that Handrail does not know may hold anything."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Facet] = Field(init=False)
    version: DatasetVersionFacet | None = None


class RunFacets(_Open):
    """Facets of a run."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Facet] = Field(init=False)
    parent: ParentRunFacet | None = None
    nominalTime: NominalTimeFacet | None = None  # noqa: N815


class JobFacets(_Open):
    """Facets of a job."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Facet] = Field(init=False)
    sourceCodeLocation: SourceCodeLocationFacet | None = None  # noqa: N815


class DatasetModel(_Open):
    """A dataset, as input, output or alone."""

    namespace: Name
    name: Name
    facets: DatasetFacets = DatasetFacets()
    inputFacets: dict[str, Facet] = Field(default_factory=dict)  # noqa: N815
    outputFacets: dict[str, Facet] = Field(default_factory=dict)  # noqa: N815


class JobModel(_Job):
    """A job."""

    facets: JobFacets = JobFacets()


class RunModel(_RunId):
    """A run."""

    facets: RunFacets = RunFacets()


class _Event(_Open):
    eventTime: Moment  # noqa: N815
    producer: Reference
    schemaURL: Reference  # noqa: N815


class _EventOfJob(_Event):
    job: JobModel
    inputs: Annotated[list[DatasetModel], Field(max_length=MAX_DATASETS)] = Field(default_factory=list)
    outputs: Annotated[list[DatasetModel], Field(max_length=MAX_DATASETS)] = Field(default_factory=list)


class RunEventModel(_EventOfJob):
    """The state of a run; without a type it is `OTHER`."""

    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] = "OTHER"  # noqa: N815
    run: RunModel


class JobEventModel(_EventOfJob):
    """What a job reads and writes, whenever it runs."""


class DatasetEventModel(_Event):
    """A dataset alone."""

    dataset: DatasetModel
