"""Columns of a page as JSON texts, a column at once: what costs is a call for each value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

from handrail.acquisition.domain.tables import LARGEST, Column, value_of

Texts = list[str]
Wrong = dict[int, str]
"""What is wrong with a value, by the number of its row."""
NULL = "null"
NOTHING = type(None)


def read_column(column: Column, values: Sequence[Any]) -> tuple[Texts, Wrong]:
    """Return each value as JSON text, equal for equal values, and what is wrong with those that cannot be read."""
    fast = FAST.get(column.type)
    if fast and not column.required:
        texts = fast(values, set(map(type, values)))
        if texts is not None:
            return texts, {}
    texts, wrong = [], {}
    for number, value in enumerate(values):
        try:
            texts.append(as_json(value_of(column, value)))
        except ValueError as err:
            texts.append(NULL)
            wrong[number] = str(err)
    return texts, wrong


def as_json(value: Any) -> str:
    """Return the JSON text of a text, number, boolean or null."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _texts(values: Sequence[Any], types: set[type]) -> Texts | None:
    if not types <= {str, NOTHING}:
        return None
    try:
        "".join(value for value in values if value is not None).encode("utf-8")
    except UnicodeEncodeError:
        return None
    return [NULL if value is None else encode_basestring(value) for value in values]


def _wholes(values: Sequence[Any], types: set[type]) -> Texts | None:
    if not types <= {int, NOTHING}:
        return None
    some = [value for value in values if value is not None]
    if some and (min(some) <= -LARGEST or max(some) >= LARGEST):
        return None
    return [NULL if value is None else str(value) for value in values]


def _numbers(values: Sequence[Any], types: set[type]) -> Texts | None:
    if not types <= {float, NOTHING} or not all(math.isfinite(value) for value in values if value is not None):
        return None
    return [NULL if value is None else repr(value) for value in values]


FAST: Mapping[str, Callable[[Sequence[Any], set[type]], Texts | None]] = {
    "text": _texts,
    "whole": _wholes,
    "number": _numbers,
}
"""For values that are of their type already, in Python; anything else is read one by one."""
