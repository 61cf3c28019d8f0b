"""Reads OpenLineage events: which of the three kinds a document is, what it says, and its canonical form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage.bent import dotted, fault_of, read_leniently
from handrail.lineage.adapters.openlineage.facets import ActivityFacet, ArtifactFacet, Attributes, PartnerModel
from handrail.lineage.adapters.openlineage.fields import has_zone
from handrail.lineage.adapters.openlineage.models import (
    DatasetEventModel,
    DatasetModel,
    JobEventModel,
    RunEventModel,
)
from handrail.lineage.adapters.openlineage.text import REMEDY, canonical
from handrail.lineage.domain.contents import EventContent
from handrail.lineage.domain.events import DatasetAt, JobName, LineageEvent, Note, RunReport, RunState, run_uri
from handrail.lineage.domain.facts import NodeFact
from handrail.lineage.domain.limits import MAX_DERIVED
from handrail.lineage.domain.names import check_kind, kind_of
from handrail.lineage.domain.vocabulary import Role

Model = RunEventModel | JobEventModel | DatasetEventModel
_KINDS: Mapping[str, tuple[str, type[Model]]] = {
    "RunEvent": ("run", RunEventModel),
    "JobEvent": ("job", JobEventModel),
    "DatasetEvent": ("dataset", DatasetEventModel),
}


def read_event(document: object, place: str = "") -> LineageEvent:
    """Return what a decoded JSON document says. Equal documents have equal ids, whatever the order of their keys.

    `place` is what the paths of fields begin with, as `3.` in a batch.

    Raises:
        InvalidInput: it is not an event of the specification; `field` is the path of the first wrong part.
    """
    if not isinstance(document, dict):
        raise InvalidInput(place.rstrip(".") or "event", "it is not a JSON object", REMEDY)
    try:
        model, notes = read_leniently(_kind_of(document, place), document, place)
    except ValidationError as err:
        raise _fault(err, place) from err
    event = _event(model, canonical(document, place), place)
    if not has_zone(str(document["eventTime"])):
        notes = (Note(f"{place}eventTime", "It has no time zone and was read as UTC."), *notes)
    return replace(event, notes=notes) if notes else event


def _kind_of(document: Mapping[str, object], place: str) -> type[Model]:
    """Return the kind that `schemaURL` names, if the event has what makes it one; else the kind that its parts make."""
    given = {key for key, value in document.items() if value is not None}
    named = _KINDS.get(str(document.get("schemaURL")).rpartition("/")[2])
    if named is not None and named[0] in given:
        return named[1]
    if "dataset" in given and not {"run", "job"} & given:
        return DatasetEventModel
    if "run" in given or "eventType" in given:
        return RunEventModel
    if "job" in given:
        return JobEventModel
    raise InvalidInput(f"{place}run", "the event has neither run, job nor dataset", REMEDY)


def _fault(error: ValidationError, place: str) -> InvalidInput:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    more = f" ({len(faults) - 1} more are wrong)" if len(faults) > 1 else ""
    return InvalidInput(f"{place}{dotted(faults[0]['loc'])}", f"{fault_of(faults[0])}{more}", REMEDY)


def _event(model: Model, body: str, place: str) -> LineageEvent:
    event_id = hashlib.sha256(body.encode()).hexdigest()
    if isinstance(model, DatasetEventModel):
        datasets = (_dataset(model.dataset, f"{place}dataset"),)
        return LineageEvent(event_id, model.eventTime, model.producer, body, datasets=datasets)
    inputs = tuple(_dataset(each, f"{place}inputs.{index}") for index, each in enumerate(model.inputs))
    outputs = tuple(_dataset(each, f"{place}outputs.{index}") for index, each in enumerate(model.outputs))
    job = JobName(model.job.namespace, model.job.name)
    event = LineageEvent(event_id, model.eventTime, model.producer, body, job, inputs=inputs, outputs=outputs)
    if isinstance(model, JobEventModel):
        return event
    return replace(event, run=_run(model, place), content=_content(model, event, place))


def _dataset(model: DatasetModel, place: str) -> DatasetAt:
    given, artifact = model.facets.version, model.facets.handrail_artifact
    version = given.datasetVersion if given and not given.deleted else None
    dataset = DatasetAt(model.namespace, model.name, version)
    if artifact is None:
        return dataset
    agreement = model.inputFacets.handrail_agreement
    return replace(
        dataset,
        declared=_artifact(artifact, dataset, f"{place}.facets.handrail_artifact"),
        digests=tuple(sorted(set(artifact.digests))),
        agreed=agreement.digest if agreement else "",
    )


def _artifact(facet: ArtifactFacet, dataset: DatasetAt, place: str) -> NodeFact:
    """Return the artifact that a dataset is declared to be; without its own URI it keeps the dataset's names."""
    attributes = _pairs(facet.attributes) | (frozenset() if facet.uri else dataset.end.node.attributes)
    uri = facet.uri or dataset.uri
    return NodeFact(uri, Role.ARTIFACT, _kind(uri, facet.kind, place), attributes)


def _content(model: RunEventModel, event: LineageEvent, place: str) -> EventContent | None:
    """Return what a run represents, if it is not a run itself."""
    activity, derivation = model.run.facets.handrail_activity, model.run.facets.handrail_derivation
    ends = tuple(each.end for each in event.inputs), tuple(each.end for each in event.outputs)
    if derivation is not None:
        if activity is not None:
            raise InvalidInput(f"{place}run.facets.handrail_derivation", "the run is an activity as well", REMEDY)
        if not all(ends):
            missing = "inputs" if ends[1] else "outputs"
            raise InvalidInput(f"{place}{missing}", "a derivation leads from inputs to outputs", REMEDY)
        return _checked(EventContent(None, *ends), place)
    if activity is None or activity.uri is None:
        return None
    facet = f"{place}run.facets.handrail_activity"
    given = NodeFact(
        activity.uri,
        Role.ACTIVITY,
        _kind(activity.uri, activity.kind, facet),
        _pairs(activity.attributes),
        activity.startedAt,
        activity.endedAt,
    )
    return EventContent(given, *ends, _partners(activity, facet))


def _kind(uri: str, given: str | None, place: str) -> str:
    return kind_of(uri) if given is None else check_kind(f"{place}.kind", uri, given)


def _checked(content: EventContent, place: str) -> EventContent:
    """Refuse a derivation that says more than a graph should learn from one event."""
    if content.derivations > MAX_DERIVED:
        problem = f"{content.derivations:,} derivations are more than the {MAX_DERIVED:,} that one event may state"
        raise InvalidInput(f"{place}inputs", problem, "Send them in several events of one run.")
    return content


def _partners(activity: ActivityFacet, place: str) -> tuple[NodeFact, ...]:
    return tuple(
        _partner(each, f"{place}.associatedWith.{index}") for index, each in enumerate(activity.associatedWith)
    )


def _partner(model: PartnerModel, place: str) -> NodeFact:
    role = Role[model.role.upper()]
    return NodeFact(model.uri, role, _kind(model.uri, model.kind, place), _pairs(model.attributes))


def _pairs(attributes: Attributes) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, value) for name, given in attributes.items() for value in ([given] if isinstance(given, str) else given)
    )


def _run(model: RunEventModel, place: str) -> RunReport:
    facets, given = model.run.facets, {}
    # A parent is an attribute, not an edge: it may repeat the inputs and outputs of its children, which may be circles.
    if facets.parent and not facets.parent.deleted:
        given["parent"] = run_uri(str(facets.parent.run.runId))
    if facets.nominalTime and not facets.nominalTime.deleted:
        given["nominal_time"] = facets.nominalTime.nominalStartTime.isoformat()
    code = model.job.facets.sourceCodeLocation
    if code and not code.deleted:
        given["source_code"] = f"{code.url}@{code.version}" if code.version else code.url
    if (activity := facets.handrail_activity) is None:
        return RunReport(str(model.run.runId), RunState(model.eventType), given)
    given |= {
        name: value if isinstance(value, str) else " | ".join(value) for name, value in activity.attributes.items()
    }
    return RunReport(
        str(model.run.runId),
        RunState(model.eventType),
        given,
        _partners(activity, f"{place}run.facets.handrail_activity"),
    )
