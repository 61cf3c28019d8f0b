"""How alike the values of two columns are, for a column that may only have another name now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from handrail.acquisition.domain.tables import Column, value_of

ALIKE = 0.8
"""From so alike on, a new column may be an old one under another name."""


def likeness(column: Column, before: Sequence[Any], now: Sequence[Any]) -> float:
    """Return how alike values of a column and of another are, from 0 to 1.

    It is the share of the values of now that were there before, or that have the form of those before (text) or lie
    no further from them than they are apart (numbers), whichever is larger, less the difference of the shares of empty
    ones. Moments and days are alike: later rows have later ones.
    """
    old, new = _read(column, before), _read(column, now)
    given_old, given_new = [value for value in old if value is not None], [value for value in new if value is not None]
    if not given_old or not given_new:
        return 0.0
    empty = abs(len(given_old) / len(old) - len(given_new) / len(new))
    known = set(given_old)
    same = sum(value in known for value in given_new) / len(given_new)
    return max(same, _formed_alike(column, given_old, given_new)) - empty


def _read(column: Column, values: Sequence[Any]) -> list[Any]:
    read = []
    for value in values:
        try:
            read.append(value_of(Column(column.name, column.type), value))
        except ValueError:
            # What does not fit is like nothing that was there before.
            read.append("\0")
    return read


def _formed_alike(column: Column, old: list[Any], new: list[Any]) -> float:
    new = [value for value in new if value != "\0"] if column.type != "text" else new
    if column.type == "flag" or not new:
        return 0.0
    if column.type == "text":
        forms = {_form(value) for value in old}
        return sum(_form(value) in forms for value in new) / len(new)
    if column.type in ("moment", "day"):
        return 1.0
    apart = max(old) - min(old)
    low, high = min(old) - apart, max(old) + apart
    return sum(low <= value <= high for value in new) / len(new)


def _form(text: str) -> str:
    """Return a text with each run of letters as `a` and of digits as `9`: N123 and N77 are alike."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", text))
