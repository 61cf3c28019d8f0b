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
    DatasetName,
    JobEventModel,
    RunEventModel,
)
from handrail.lineage.adapters.openlineage.sources import sources_of
from handrail.lineage.adapters.openlineage.text import REMEDY, canonical
from handrail.lineage.domain.contents import EventContent
from handrail.lineage.domain.events import (
    ERROR,
    STATE,
    DatasetAt,
    JobName,
    LineageEvent,
    Note,
    RunReport,
    RunState,
    run_uri,
)
from handrail.lineage.domain.facts import NodeFact
from handrail.lineage.domain.limits import MAX_DERIVED
from handrail.lineage.domain.logins import document_without_logins, may_hold_logins
from handrail.lineage.domain.names import check_kind, kind_of
from handrail.lineage.domain.vocabulary import Role

Model = RunEventModel | JobEventModel | DatasetEventModel
_KINDS: Mapping[str, tuple[str, type[Model]]] = {
    "RunEvent": ("run", RunEventModel),
    "JobEvent": ("job", JobEventModel),
    "DatasetEvent": ("dataset", DatasetEventModel),
}


Json = Mapping[str, object]
ZONELESS = "It has no time zone and was read as UTC."
SCHEMALESS = "It is missing, which OpenLineage requires; the event was read as the kind that its parts make."
MASKED = "It held a login or another secret, which was masked before anything was stored."


def read_event(document: object, place: str = "") -> LineageEvent:
    """Return what a decoded JSON document says. Equal documents have equal ids, whatever the order of their keys.

    `place` is what the paths of fields begin with, as `3.` in a batch.

    Raises:
        InvalidInput: it is not an event of the specification; `field` is the path of the first wrong part.
    """
    if not isinstance(document, dict):
        raise InvalidInput(place.rstrip(".") or "event", "it is not a JSON object", REMEDY)
    document, body, masked = _masked(document, place)
    try:
        model, bent = read_leniently(_kind_of(document, place), document, place)
    except ValidationError as err:
        raise _fault(err, place) from err
    zoneless = () if has_zone(str(document["eventTime"])) else (Note(f"{place}eventTime", ZONELESS),)
    unnamed = () if model.schemaURL else (Note(f"{place}schemaURL", SCHEMALESS),)
    notes = (*zoneless, *unnamed, *masked, *bent)
    event = _event(model, body, place)
    if more := sources_of(model, event):
        event = replace(event, more=more)
    return replace(event, notes=notes) if notes else event


def _masked(document: Json, place: str) -> tuple[Json, str, tuple[Note, ...]]:
    """Return an event without logins, its canonical form, and notes where one was masked: none is ever stored."""
    body = canonical(document, place)
    if not may_hold_logins(body):
        return document, body, ()
    try:
        plain, paths = document_without_logins(document)
    except RecursionError as err:
        raise InvalidInput(place.rstrip(".") or "event", "it is nested too deeply", REMEDY) from err
    return plain, canonical(plain, place) if paths else body, tuple(Note(f"{place}{path}", MASKED) for path in paths)


def _kind_of(document: Json, place: str) -> type[Model]:
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
    links, change = model.facets.symlinks, model.facets.lifecycleStateChange
    if links and not links.deleted:
        dataset = replace(dataset, alternates=tuple(_alternate(each, version) for each in links.identifiers))
    if change and not change.deleted:
        dataset = replace(dataset, attributes=frozenset({("lifecycle", change.lifecycleStateChange)}))
    if artifact is None:
        return dataset
    agreement = model.inputFacets.handrail_agreement
    return replace(
        dataset,
        declared=_artifact(artifact, dataset, f"{place}.facets.handrail_artifact"),
        digests=tuple(sorted(set(artifact.digests))),
        agreed=agreement.digest if agreement else "",
    )


def _alternate(name: DatasetName, version: str | None) -> DatasetAt:
    """Return another name of a dataset, at the same version."""
    uri = name.handrail_uri
    declared = NodeFact(uri, Role.ARTIFACT, kind_of(uri)) if uri else None
    return DatasetAt(name.namespace, name.name, version, declared)


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
    # The state of a run of OpenLineage is that of its events: an attribute would stay when a greater one arrives.
    is_own = activity.uri == run_uri(str(model.run.runId))
    given = NodeFact(
        activity.uri,
        Role.ACTIVITY,
        _kind(activity.uri, activity.kind, facet),
        frozenset(pair for pair in _pairs(activity.attributes) if not (is_own and pair[0] == STATE)),
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
    attributes, partners = _attributes_of_run(model), tuple[NodeFact, ...]()
    if activity := model.run.facets.handrail_activity:
        attributes |= {
            name: value if isinstance(value, str) else " | ".join(value) for name, value in activity.attributes.items()
        }
        partners = _partners(activity, f"{place}run.facets.handrail_activity")
    return RunReport(str(model.run.runId), RunState(model.eventType), attributes, partners)


def _attributes_of_run(model: RunEventModel) -> dict[str, str]:
    """Return what standard facets say of a run.

    A parent is an attribute, not an edge: it may repeat the inputs and outputs of its children, which may be circles.
    """
    facets, given = model.run.facets, {}
    for name, whole in (("parent", facets.parent), ("root", facets.parent and facets.parent.root)):
        if whole and facets.parent and not facets.parent.deleted:
            given[name] = run_uri(str(whole.run.runId))
            given[f"{name}_job"] = JobName(whole.job.namespace, whole.job.name).uri
    if facets.nominalTime and not facets.nominalTime.deleted:
        given["nominal_time"] = facets.nominalTime.nominalStartTime.isoformat()
    if facets.errorMessage and not facets.errorMessage.deleted:
        given[ERROR] = facets.errorMessage.message
    code = model.job.facets.sourceCodeLocation
    if code and not code.deleted:
        given["source_code"] = f"{code.url}@{code.version}" if code.version else code.url
    return given
