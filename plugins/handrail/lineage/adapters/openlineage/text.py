"""How OpenLineage is written: canonical JSON, and what a name may contain. Small, because writers load only this."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from handrail.errors import InvalidInput

REMEDY = "Correct it as OpenLineage 2-0-2, or the facet's schema, says, and send it again; nothing was recorded."
MAX_NAME = 512
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def canonical(document: Mapping[str, object], place: str = "") -> str:
    """Return a document's JSON with sorted keys and no blanks: equal documents have one form."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as err:
        what = "it holds a number or a text that JSON in UTF-8 cannot carry, or is nested too deeply"
        raise InvalidInput(place.rstrip(".") or "event", what, REMEDY) from err
    return text


def plain_name(text: str) -> str:
    """Return a text that can be the name of a dataset, a job or a namespace.

    Raises:
        ValueError: it cannot.
    """
    if _CONTROL.search(text):
        raise ValueError("it holds a control character")
    if "'" in text or '"' in text:
        raise ValueError("it holds a quote")
    if ".." in text and ".." in re.split(r"[/\\]", text):
        raise ValueError("it climbs out of its folder with '..'")
    if text != text.strip() or not text.strip("/"):
        raise ValueError("it is blank, or begins or ends with a blank")
    return text


def is_plain(text: str) -> bool:
    """Return whether a text can be such a name, short enough."""
    try:
        return len(plain_name(text)) <= MAX_NAME
    except ValueError:
        return False
