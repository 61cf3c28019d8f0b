"""How OpenLineage is written: canonical JSON. Small, because writers load only this."""

from __future__ import annotations

import json
from collections.abc import Mapping

from handrail.errors import InvalidInput

REMEDY = "Correct it as OpenLineage 2-0-2, or the facet's schema, says, and send it again; nothing was recorded."


def canonical(document: Mapping[str, object], place: str = "") -> str:
    """Return a document's JSON with sorted keys and no blanks: equal documents have one form."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as err:
        what = "it holds a number or a text that JSON in UTF-8 cannot carry, or is nested too deeply"
        raise InvalidInput(place.rstrip(".") or "event", what, REMEDY) from err
    return text
