"""The bodies that a page over an OpenAPI description offers for a request, as Swagger UI makes them."""

from __future__ import annotations

from typing import Any


def request_examples(description: dict[str, Any], operation: dict[str, Any]) -> list[Any]:
    """Return the whole bodies that are offered for an operation; none if it takes no JSON."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return []
    if "examples" in body:
        return [each["value"] for each in body["examples"].values()]
    return [_example_of(description, body["schema"])]


def _example_of(description: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _example_of(description, description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "example" in schema:
        return schema["example"]
    if schema.get("type") == "array":
        return [_example_of(description, schema["items"])]
    if schema.get("type") == "object":
        return {name: _example_of(description, each) for name, each in schema["properties"].items()}
    raise AssertionError(f"There is no example for {schema}.")
