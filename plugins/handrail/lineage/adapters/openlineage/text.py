"""How OpenLineage is written: canonical JSON. Small, because writers load only this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from handrail.errors import InvalidInput

T = TypeVar("T")
READ_DEPTH = 12
REMEDY = "Correct it as OpenLineage 2-0-2, or the facet's schema, says, and send it again; nothing was recorded."


def without_nulls(part: T, depth: int = READ_DEPTH) -> T:
    """Return a part of a document without keys and entries that are null, as deep as anything is read."""
    copy: Any = part
    if isinstance(part, dict) and depth:
        copy = {key: without_nulls(each, depth - 1) for key, each in part.items() if each is not None}
    if isinstance(part, list) and depth:
        copy = [without_nulls(each, depth - 1) for each in part if each is not None]
    return cast(T, copy)


def canonical(document: Mapping[str, object], place: str = "") -> str:
    """Return a document's JSON with sorted keys and no blanks: equal documents have one form."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as err:
        what = "it holds a number or a text that JSON in UTF-8 cannot carry, or is nested too deeply"
        raise InvalidInput(place.rstrip(".") or "event", what, REMEDY) from err
    return text
