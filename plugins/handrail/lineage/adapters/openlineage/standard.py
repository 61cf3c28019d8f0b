"""The parts of a content that OpenLineage itself has words for: versions, states, parents, row counts.

It repeats what Handrail's facets say, for those who do not read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handrail.lineage.adapters.openlineage.names import dataset_of, job_of, run_id_of
from handrail.lineage.domain.contents import End, EventContent
from handrail.lineage.domain.events import ERROR, RunState
from handrail.lineage.domain.facts import ColumnFact, NodeFact
from handrail.lineage.domain.vocabulary import Role
from handrail.version import __version__

# `.invalid` (RFC 2606) cannot be owned: these are names, the schemas are in infra/openlineage.
HOME = "https://handrail.invalid/openlineage"
PRODUCER = f"{HOME}/producer/{__version__}"
SPECIFICATION = "https://openlineage.io/spec"
Json = dict[str, Any]


def event_schema(name: str) -> str:
    """Return the URL of an event's schema."""
    return f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/{name}"


def state_of(content: EventContent) -> RunState:
    """Return the state of the run: as its tool says, running if it began and did not end, else complete."""
    if content.activity is None:
        return RunState.COMPLETE
    given = dict(sorted(content.activity.attributes))
    if given.get("state") in RunState.__members__:
        return RunState[given["state"]]
    if given.get("outcome") == "failed":
        return RunState.FAIL
    runs = content.activity.started is not None and content.activity.ended is None
    return RunState.RUNNING if runs else RunState.COMPLETE


def run_facets(content: EventContent) -> Json:
    """Return the parent of a run that is part of another, and why it failed."""
    wholes = [node for node in content.partners if node.role is Role.ACTIVITY and node.kind != "job"]
    facets: Json = {}
    if len(wholes) == 1:
        whole = EventContent(activity=wholes[0])
        job = job_of(whole)
        named = {"namespace": job.namespace, "name": job.name}
        facets["parent"] = _facet("1-1-0/ParentRunFacet", {"run": {"runId": run_id_of(whole)}, "job": named})
    errors = sorted(value for name, value in content.activity.attributes if name == ERROR) if content.activity else []
    if errors:
        given = {"message": " | ".join(errors), "programmingLanguage": "UNKNOWN"}
        facets["errorMessage"] = _facet("1-0-1/ErrorMessageRunFacet", given)
    return facets


def job_facets(content: EventContent) -> Json:
    """Return what kind of job it is."""
    kind = content.activity.kind if content.activity else "derivation"
    given = {"processingType": "BATCH", "integration": "HANDRAIL", "jobType": kind}
    return {"jobType": _facet("2-0-3/JobTypeJobFacet", given)}


def version_facet(version: str | None) -> Json:
    """Return a dataset's version, if it has one."""
    if not version:
        return {}
    return {"version": _facet("1-0-1/DatasetVersionDatasetFacet", {"datasetVersion": version})}


def symlinks_facet(alternates: Sequence[NodeFact]) -> Json:
    """Return the other names of a dataset, if it has any."""
    given = [_named(node.uri) | {"type": "TABLE"} for node in alternates]
    return {"symlinks": _facet("1-0-1/SymlinksDatasetFacet", {"identifiers": given})} if given else {}


def column_facet(columns: Sequence[ColumnFact]) -> Json:
    """Return what the columns of a dataset came from, if that is known."""
    fields: dict[str, list[Json]] = {}
    for each in columns:
        fields.setdefault(each.column, []).append(_input_field(each))
    whole = fields.pop("", [])
    given = {"fields": {name: {"inputFields": inputs} for name, inputs in fields.items()}, "dataset": whole}
    return {"columnLineage": _facet("1-2-0/ColumnLineageDatasetFacet", given)} if columns else {}


def _input_field(fact: ColumnFact) -> Json:
    field = _named(fact.cause) | {"field": fact.source}
    if fact.how:
        parts = (word.partition(":") for word in fact.how.split(", "))
        field["transformations"] = [{"type": kind} | ({"subtype": more} if more else {}) for kind, _, more in parts]
    return field


def _named(uri: str) -> Json:
    """Return an artifact by the names of a dataset, and by its URI for another Handrail."""
    dataset = dataset_of(uri)
    return {"namespace": dataset.namespace, "name": dataset.name, "handrail_uri": uri}


def input_facets(end: End) -> Json:
    """Return how many rows an input has, if that is known."""
    return _statistics(end, "inputStatistics", "1-0-0/InputStatisticsInputDatasetFacet")


def output_facets(end: End) -> Json:
    """Return how many rows an output has, if that is known."""
    return _statistics(end, "outputStatistics", "1-0-2/OutputStatisticsOutputDatasetFacet")


def rows_of(node: NodeFact) -> int | None:
    """Return the number of rows in an artifact's attributes, if they agree on one."""
    given = {value for name, value in node.attributes if name == "rows"}
    return int(*given) if len(given) == 1 and all(value.isascii() and value.isdecimal() for value in given) else None


def _statistics(end: End, name: str, path: str) -> Json:
    rows = rows_of(end.node)
    return {} if rows is None else {name: _facet(path, {"rowCount": rows})}


def _facet(path: str, fields: Json) -> Json:
    url = f"{SPECIFICATION}/facets/{path}.json#/$defs/{path.partition('/')[2]}"
    return {"_producer": PRODUCER, "_schemaURL": url} | fields
