"""Which group each labelled row belongs to. Small groups are put together: a handful of rows proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from handrail.approvals.domain.cases import LONGEST_VALUE
from handrail.errors import InvalidInput

FEW = 30
"""A number with at most so many values is a group for each of them; one with more is cut into quarters."""
UNKNOWN = "unknown"
LARGEST_PLAIN = 1e15


@dataclass(frozen=True, slots=True)
class RowGroups:
    """The groups of a column: `code` (n,) is a row's place in `values`, where None is that of all small groups."""

    code: np.ndarray
    values: tuple[str | None, ...]


def groups_of(column: pa.ChunkedArray, grouping: Mapping[str, Any], least_rows: int, most: int) -> RowGroups:
    """See rows apart by a column, as the fields of a `Grouping` say, in at most `most` groups.

    Raises:
        InvalidInput: it is to be cut like a number, and holds none.
    """
    return _joined(_names(column, grouping), least_rows, most)


def _names(column: pa.ChunkedArray, grouping: Mapping[str, Any]) -> np.ndarray:
    """Return what the group of each row is called, (n,) text."""
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not is_number:
        if grouping["per"] is not None or grouping["edges"]:
            problem = f"{grouping['column']!r} holds no numbers, and is to be cut as one"
            raise InvalidInput("snapshot", problem, "Correct 'groups' in the description of the use case, or the rows.")
        return _texts(column, grouping["column"])
    numbers = column.cast(pa.float64(), safe=False).to_numpy()
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    if grouping["per"] is not None:
        return _whole(np.floor(numbers / grouping["per"]))
    if grouping["edges"]:
        return _bands(numbers, [float(edge) for edge in grouping["edges"]])
    known = np.unique(numbers[~np.isnan(numbers)])
    if len(known) <= FEW:
        return _whole(numbers) if (known == np.floor(known)).all() else _named(numbers, "{:.6g}".format)
    quarters = np.quantile(numbers[~np.isnan(numbers)], (0.25, 0.5, 0.75))
    return _bands(numbers, sorted({float(f"{edge:.4g}") for edge in quarters}))


def _texts(column: pa.ChunkedArray, name: str) -> np.ndarray:
    try:
        values = column.to_pylist()
    except (UnicodeDecodeError, OverflowError, ValueError) as err:
        raise InvalidInput("snapshot", f"{name!r} holds what is no text", "Correct the rows.") from err
    if pa.types.is_boolean(column.type):
        values = [value if value is None else str(value).lower() for value in values]
    return np.array([UNKNOWN if value is None else str(value)[:LONGEST_VALUE] for value in values], dtype=object)


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Return whole numbers as texts, those without a sign with zeros before them: so they come in their order."""
    known = numbers[~np.isnan(numbers)]
    is_plain = len(known) > 0 and known.min() >= 0 and known.max() < LARGEST_PLAIN
    width = len(f"{known.max():.0f}") if is_plain else 0
    return _named(numbers, f"{{:0{width}.0f}}".format if is_plain else "{:.6g}".format)


def _named(numbers: np.ndarray, name: Callable[[float], str]) -> np.ndarray:
    values, place = np.unique(numbers, return_inverse=True)
    names = np.array([UNKNOWN if np.isnan(value) else name(value) for value in values], dtype=object)
    return names[place]


def _bands(numbers: np.ndarray, edges: list[float]) -> np.ndarray:
    """Return the band of each number; one ends before each edge."""
    names = [
        f"below {edges[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(edges)),
        f"{edges[-1]:g} and more",
        UNKNOWN,
    ]
    place = np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right"))
    return np.array(names, dtype=object)[place]


def _joined(names: np.ndarray, least_rows: int, most: int) -> RowGroups:
    values, code, counts = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    largest = np.argsort(-counts, kind="stable")
    kept = [place for place in largest if counts[place] >= least_rows]
    if len(kept) < len(values) or len(kept) > most:
        kept = kept[: most - 1]
    kept = sorted(kept)
    if len(kept) == len(values):
        return RowGroups(code, tuple(map(str, values)))
    becomes = np.full(len(values), len(kept))
    becomes[kept] = np.arange(len(kept))
    return RowGroups(becomes[code], (*(str(values[place]) for place in kept), None))
