"""The schemas of Handrail's facets, and what they refer to in the OpenLineage specification: what any facet has."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "openlineage"
SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
ENTITIES = ("DatasetFacet", "RunFacet", "InputDatasetFacet")
_URI = {"type": "string", "format": "uri", "pattern": r"^[a-z][a-z0-9+.-]*:\S+$"}
_FACET = {
    "type": "object",
    "properties": {"_producer": _URI, "_schemaURL": _URI, "_deleted": {"type": "boolean"}},
    "required": ["_producer", "_schemaURL"],
}
SCHEMAS = {
    f"{schema['$id']}": schema for schema in (json.loads(file.read_text()) for file in sorted(FOLDER.glob("*/*.json")))
}
_REGISTRY = Registry().with_resources(
    [(key, Resource.from_contents(schema)) for key, schema in SCHEMAS.items()]
    + [
        (
            SPECIFICATION,
            Resource.from_contents(
                {
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "$id": SPECIFICATION,
                    "$defs": dict.fromkeys(ENTITIES, _FACET),
                }
            ),
        )
    ]
)


def faults(facet):
    """Return what the schema that a facet names finds wrong with it."""
    validator = Draft202012Validator({"$ref": facet["_schemaURL"]}, registry=_REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(facet)]


def our_facets(document):
    """Yield key and facet for each facet of Handrail's in an event."""
    datasets = [*document.get("inputs", ()), *document.get("outputs", ()), document.get("dataset", {})]
    holders = [document.get("run", {}), *datasets]
    for facets in [holder.get("facets", {}) for holder in holders] + [each.get("inputFacets", {}) for each in datasets]:
        for key, facet in facets.items():
            if key.startswith("handrail_"):
                yield key, facet
