"""Reads what an event says that its datasets come from, beside what its run read and wrote.

These are the specification's facets `lineage`, of a dataset and of a job, `columnLineage`, and `lifecycleStateChange`
where it renames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from handrail.lineage.adapters.openlineage.models import (
    ColumnFields,
    ColumnLineageFacet,
    DatasetEventModel,
    DatasetModel,
    InputField,
    JobEventModel,
    LineageEntry,
    LineageFacet,
    LineageField,
    LineageInput,
    LineageJobFacet,
    RunEventModel,
    Transformation,
)
from handrail.lineage.domain.contents import EventContent
from handrail.lineage.domain.events import DatasetAt, JobName, LineageEvent, run_uri
from handrail.lineage.domain.facts import ColumnFact, NodeFact, activity_fact

Names = tuple[str, str]
RENAME = "RENAME"


def sources_of(
    model: RunEventModel | JobEventModel | DatasetEventModel, event: LineageEvent
) -> tuple[EventContent, ...]:
    """Return a content for each thing that the facets of an event name sources of."""
    if isinstance(model, DatasetEventModel):
        datasets, explicit = [model.dataset], None
    else:
        datasets, explicit = [*model.inputs, *model.outputs], model.job.facets.lineage
    if explicit or any(each.facets.has_sources for each in datasets):
        named = zip(datasets, (*event.inputs, *event.outputs, *event.datasets), strict=True)
        return tuple(_contents(named, explicit, event))
    return ()


def _columns(facet: ColumnLineageFacet, known: Mapping[Names, DatasetAt], uri: str) -> Iterator[ColumnFact]:
    """Yield what the columns of the artifact `uri` came from; one without a name is the whole artifact."""
    for column, fields in [*facet.fields.items(), ("", ColumnFields(inputFields=facet.dataset))]:
        for each in fields.inputFields:
            how = _how(each.transformations) or fields.transformationType or ""
            yield ColumnFact(uri, column, _uri(each, known), each.field, how)


def _explicit_columns(facet: LineageFacet, known: Mapping[Names, DatasetAt], uri: str) -> Iterator[ColumnFact]:
    for column, field in [*facet.fields.items(), ("", LineageField(inputs=facet.inputs))]:
        for each in field.inputs:
            if (
                each.type == "DATASET"
                and each.namespace is not None
                and each.name is not None
                and (column or each.field)
            ):
                cause = _known(known, each.namespace, each.name).uri
                yield ColumnFact(uri, column, cause, each.field or "", _how(each.transformations))


def _how(transformations: Sequence[Transformation]) -> str:
    return ", ".join(sorted({each.word for each in transformations}))


def _uri(field: InputField, known: Mapping[Names, DatasetAt]) -> str:
    return field.handrail_uri or _known(known, field.namespace, field.name).uri


def _known(known: Mapping[Names, DatasetAt], namespace: str, name: str) -> DatasetAt:
    return known.get((namespace, name)) or DatasetAt(namespace, name)


def _of_columns(facet: ColumnLineageFacet, dataset: DatasetAt, event: LineageEvent) -> Iterator[EventContent]:
    """Yield what the columns of a dataset came from, and the datasets of these that are no inputs of the event.

    Where Handrail wrote the event, such a dataset is named in another one.
    """
    inputs = {(each.namespace, each.name): each for each in event.inputs}
    columns = tuple(dict.fromkeys(_columns(facet, inputs, dataset.uri)))
    yield EventContent(outputs=(replace(dataset.end, columns=columns),))
    given = [each for fields in facet.fields.values() for each in fields.inputFields] + facet.dataset
    causes = (_known(inputs, each.namespace, each.name) for each in given if each.handrail_uri is None)
    stated = {each.uri for each in event.inputs} | {dataset.uri}
    if others := {each.uri: each.end for each in causes if each.uri not in stated}:
        yield EventContent(None, tuple(others.values()), (dataset.end,))


def _contents(
    named: Iterable[tuple[DatasetModel, DatasetAt]], of_job: LineageJobFacet | None, event: LineageEvent
) -> Iterator[EventContent]:
    known = {(each.namespace, each.name): each for each in (*event.outputs, *event.datasets, *event.inputs)}
    own = _own_activity(event)
    for given, dataset in named:
        change, explicit = given.facets.lifecycleStateChange, given.facets.lineage
        if change and change.previousIdentifier and not change.deleted and change.lifecycleStateChange == RENAME:
            before = DatasetAt(change.previousIdentifier.namespace, change.previousIdentifier.name)
            yield EventContent(None, (before.end,), (dataset.end,))
        if given.facets.columnLineage and not given.facets.columnLineage.deleted:
            yield from _of_columns(given.facets.columnLineage, dataset, event)
        if explicit and not explicit.deleted:
            yield from _of_dataset(dataset, explicit, known, own)
    made = known | {(each.namespace, each.name): each for each in event.outputs}
    for entry in of_job.entries if of_job and not of_job.deleted else ():
        yield from _of_entry(entry, made, known, own)


def _of_entry(
    entry: LineageEntry, made: Mapping[Names, DatasetAt], known: Mapping[Names, DatasetAt], own: NodeFact | None
) -> Iterator[EventContent]:
    target = _activity(entry.runId, entry.namespace, entry.name, own)
    if entry.type == "JOB" and target is not None:
        inputs = tuple(each.end for each in _datasets(entry, known))
        yield EventContent(target, inputs, partners=_jobs(entry, own))
    elif entry.type == "DATASET" and entry.namespace is not None and entry.name is not None:
        dataset = _known(made, entry.namespace, entry.name)
        yield from _of_dataset(dataset, entry, known, own)


def _of_dataset(
    dataset: DatasetAt, facet: LineageFacet, known: Mapping[Names, DatasetAt], own: NodeFact | None
) -> Iterator[EventContent]:
    if causes := tuple(each.end for each in _datasets(facet, known)):
        columns = tuple(dict.fromkeys(_explicit_columns(facet, known, dataset.uri)))
        yield EventContent(None, causes, (replace(dataset.end, columns=columns),))
    for job in _jobs(facet, own):
        yield EventContent(job, outputs=(dataset.end,))


def _inputs(facet: LineageFacet) -> Iterator[LineageInput]:
    yield from facet.inputs
    for field in facet.fields.values():
        yield from field.inputs


def _datasets(facet: LineageFacet, known: Mapping[Names, DatasetAt]) -> list[DatasetAt]:
    found = (
        _known(known, each.namespace, each.name)
        for each in _inputs(facet)
        if each.type == "DATASET" and each.namespace is not None and each.name is not None
    )
    return list({each.uri: each for each in found}.values())


def _jobs(facet: LineageFacet, own: NodeFact | None) -> tuple[NodeFact, ...]:
    jobs = (_activity(each.runId, each.namespace, each.name, own) for each in _inputs(facet) if each.type == "JOB")
    return tuple({job.uri: job for job in jobs if job}.values())


def _activity(run_id: object, namespace: str | None, name: str | None, own: NodeFact | None) -> NodeFact | None:
    """Return a run, else a job; without names it is the event's own run or job."""
    if run_id is not None:
        return activity_fact(run_uri(str(run_id)))
    if namespace is None or name is None:
        return own
    return activity_fact(JobName(namespace, name).uri)


def _own_activity(event: LineageEvent) -> NodeFact | None:
    if event.content is not None:
        return event.content.activity
    if event.run is not None:
        return activity_fact(run_uri(event.run.run_id))
    return activity_fact(event.job.uri) if event.job is not None else None
