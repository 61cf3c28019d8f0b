"""Reads an event although a standard facet in it is bent: the facet is left out, and a note names it.

Facets of Handrail's own are not left out: what proves a hop is right, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from handrail.lineage.adapters.openlineage.text import without_nulls
from handrail.lineage.domain.events import Note

M = TypeVar("M", bound=BaseModel)
Path = tuple[int | str, ...]
_HOLDERS = frozenset({"facets", "inputFacets", "outputFacets"})
_OURS = "handrail_"


def read_leniently(kind: type[M], document: Mapping[str, Any], place: str) -> tuple[M, tuple[Note, ...]]:
    """Return the event, read without its bent standard facets, and a note for each of these; null means absent.

    Raises:
        ValidationError: something else is wrong.
    """
    notes: list[Note] = []
    try:
        return kind.model_validate(document), ()
    except ValidationError:
        document = without_nulls(document)
    while True:
        try:
            return kind.model_validate(document), tuple(notes)
        except ValidationError as error:
            bent = _bent_facets(error)
            if not bent:
                raise
            notes += [Note(f"{place}{dotted(path)}", f"It was not read: {fault}.") for path, fault in bent.items()]
            for path in bent:
                document = _without(document, path)


def dotted(path: Path) -> str:
    """Return the path of a field as it is named to a sender; what pydantic adds about types is left out."""
    return ".".join(str(part) for part in path if not isinstance(part, str) or "[" not in part)


def fault_of(error: Mapping[str, Any]) -> str:
    """Return what pydantic finds wrong, as the rest of a sentence."""
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text[:1].lower()}{text[1:]}"


def _bent_facets(error: ValidationError) -> dict[Path, str]:
    """Return the paths of bent facets and their first faults."""
    bent: dict[Path, str] = {}
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        path = _facet(each["loc"])
        if path is None:
            continue
        inside = dotted(each["loc"][len(path) :])
        bent.setdefault(path, f"{inside}: {fault_of(each)}" if inside else fault_of(each))
    return bent


def _facet(path: Path) -> Path | None:
    """Return the path of the standard facet, or of the whole set of facets, in which a fault lies."""
    depth = next((depth for depth, part in enumerate(path) if part in _HOLDERS), None)
    if depth is None:
        return None
    found = path[: depth + 2]
    return None if str(found[-1]).startswith(_OURS) else found


def _without(part: Any, path: Path) -> Any:
    """Return a copy without what lies at a path; only what leads there is copied."""
    here, *rest = path
    if isinstance(part, list):
        return [_without(each, tuple(rest)) if place == here else each for place, each in enumerate(part)]
    if not rest:
        return {key: value for key, value in part.items() if key != here}
    return {**part, here: _without(part[here], tuple(rest))}
