"""Makes events of the OpenLineage client from their JSON: its transports look into them, for a key or a file's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)

Json = Mapping[str, Any]


class _Parent(dict[str, Any]):
    """A parent facet as it came, in which the Kafka transport finds its key as in the client's older facets."""

    @property
    def job(self) -> Json:
        """The parent's job."""
        job: Json = self["job"]
        return job


def to_event(body: Json) -> RunEvent | JobEvent | DatasetEvent:
    """Return the client's event for a document that was accepted before; its facets stay as they came."""
    parts = {"eventTime": body["eventTime"], "producer": body["producer"]}
    event: RunEvent | JobEvent | DatasetEvent
    if "job" not in body:
        dataset = body["dataset"]
        event = DatasetEvent(
            dataset=StaticDataset(dataset["namespace"], dataset["name"], facets=_facets(dataset)), **parts
        )
    else:
        parts["job"] = Job(body["job"]["namespace"], body["job"]["name"], facets=_facets(body["job"]))
        for ends, kind in (("inputs", InputDataset), ("outputs", OutputDataset)):
            given = body.get(ends)
            parts[ends] = given and [kind(**_named(each, f"{ends[:-1]}Facets")) for each in given]
        event = RunEvent(**parts, **_run(body)) if "run" in body else JobEvent(**parts)
    if schema := body.get("schemaURL"):  # without one the client names its own
        event.schemaURL = schema
    return event


def _named(dataset: Json, more: str) -> dict[str, Any]:
    return {
        "namespace": dataset["namespace"],
        "name": dataset["name"],
        "facets": _facets(dataset),
        more: dataset.get(more),
    }


def _run(body: Json) -> dict[str, Any]:
    facets = _facets(body["run"])
    if facets and "parent" in facets:
        facets["parent"] = _Parent(facets["parent"])
    state = RunState(body.get("eventType", "OTHER"))
    return {"run": Run(body["run"]["runId"], facets=facets), "eventType": state}


def _facets(holder: Json) -> dict[str, Any] | None:
    """Return the facets unchanged, None if there are none: the client then adds none either."""
    facets = holder.get("facets")
    return None if facets is None else dict(facets)
