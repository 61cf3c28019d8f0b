"""Reads OpenLineage events: which of the three kinds a document is, what it says, and its canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import ValidationError

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage_models import (
    DatasetEventModel,
    DatasetModel,
    JobEventModel,
    RunEventModel,
)
from handrail.lineage.domain import DatasetAt, JobName, LineageEvent, RunState, RunTold, check_uri, run_uri

Model = RunEventModel | JobEventModel | DatasetEventModel
REMEDY = "Correct it as the OpenLineage specification 2-0-2 says, and send it again; nothing was recorded."


class OpenLineageEvents:
    """The reader of OpenLineage events."""

    def read(self, document: object, place: str = "") -> LineageEvent:
        """Return what a decoded JSON document says; raise `InvalidInput` with the path of the field at fault."""
        if not isinstance(document, dict):
            raise InvalidInput(place.rstrip(".") or "event", "it is no JSON object", REMEDY)
        try:
            model = _kind_of(document, place).model_validate(document)
        except ValidationError as err:
            raise _fault(err, place) from err
        return _event(model, canonical(document, place), place)


def canonical(document: Mapping[str, object], place: str = "") -> str:
    """Return a document's JSON with sorted keys and no blanks: equal documents have one form."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as err:
        what = "it holds a number or a text that JSON in UTF-8 cannot carry, or is nested too deeply"
        raise InvalidInput(place.rstrip(".") or "event", what, REMEDY) from err
    return text


def _kind_of(document: Mapping[str, object], place: str) -> type[Model]:
    if "dataset" in document and not {"run", "job"} & document.keys():
        return DatasetEventModel
    if "run" in document or "eventType" in document:
        return RunEventModel
    if "job" in document:
        return JobEventModel
    raise InvalidInput(f"{place}run", "the event has neither run, job nor dataset", REMEDY)


def _fault(error: ValidationError, place: str) -> InvalidInput:
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    path = ".".join(str(part) for part in first["loc"] if not isinstance(part, str) or "[" not in part)
    said = first["msg"].removeprefix("Value error, ").rstrip(".")
    more = f" ({len(faults) - 1} more are wrong)" if len(faults) > 1 else ""
    return InvalidInput(f"{place}{path}", f"{said[:1].lower()}{said[1:]}{more}", REMEDY)


def _event(model: Model, body: str, place: str) -> LineageEvent:
    event_id = hashlib.sha256(body.encode()).hexdigest()
    if isinstance(model, DatasetEventModel):
        datasets = (_dataset(model.dataset, f"{place}dataset"),)
        return LineageEvent(event_id, model.eventTime, model.producer, body, datasets=datasets)
    job = JobName(model.job.namespace, model.job.name)
    check_uri(f"{place}job.name", job.uri)
    return LineageEvent(
        event_id,
        model.eventTime,
        model.producer,
        body,
        job,
        _run(model) if isinstance(model, RunEventModel) else None,
        tuple(_dataset(each, f"{place}inputs.{index}") for index, each in enumerate(model.inputs)),
        tuple(_dataset(each, f"{place}outputs.{index}") for index, each in enumerate(model.outputs)),
    )


def _dataset(model: DatasetModel, place: str) -> DatasetAt:
    told = model.facets.version
    version = told.datasetVersion if told and not told.deleted else None
    dataset = DatasetAt(model.namespace, model.name, version)
    check_uri(f"{place}.name", dataset.uri)
    return dataset


def _run(model: RunEventModel) -> RunTold:
    facets, told = model.run.facets, {}
    # A parent is told, not walked: it may sum up the inputs and outputs of its children, which would close circles.
    if facets.parent and not facets.parent.deleted:
        told["parent"] = run_uri(str(facets.parent.run.runId))
    if facets.nominalTime and not facets.nominalTime.deleted:
        told["nominal_time"] = facets.nominalTime.nominalStartTime.isoformat()
    code = model.job.facets.sourceCodeLocation
    if code and not code.deleted:
        told["source_code"] = f"{code.url}@{code.version}" if code.version else code.url
    return RunTold(str(model.run.runId), RunState(model.eventType), told)
