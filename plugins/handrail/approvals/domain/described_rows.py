"""What a snapshot of labelled rows holds, in the few numbers that a person looks at before confirming it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from handrail.approvals.domain.evaluation import LARGEST_ANSWER

MOST_COLUMNS, LONGEST_NAME = 500, 200
COUNTS, WORDS = ("rows", "labelled", "clusters"), ("first", "last")


@dataclass(frozen=True, slots=True)
class RowsDescribed:
    """Counts of rows, of those with a label, and of clusters with the first and the last of them in order of name.

    `columns` are names in their order. `label` has the share of each class by its code, or least, mean and most.
    """

    rows: int
    labelled: int
    clusters: int
    first: str
    last: str
    columns: tuple[str, ...]
    label: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self) | {"columns": list(self.columns), "label": dict(self.label)}


def described_from(values: Any) -> RowsDescribed:
    """Read a description that came as JSON values; nothing in it is trusted.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(values, dict) or set(values) != {*COUNTS, *WORDS, "columns", "label"}:
        raise ValueError("it does not hold exactly what describes rows")
    counts = {name: values[name] for name in COUNTS}
    if any(type(count) is not int or count < 0 for count in counts.values()):
        raise ValueError("a count is no whole number")
    columns, label = values["columns"], values["label"]
    if not isinstance(columns, list) or len(columns) > MOST_COLUMNS:
        raise ValueError(f"its columns are no list of at most {MOST_COLUMNS}")
    if not isinstance(label, dict) or len(label) > MOST_COLUMNS:
        raise ValueError("its label is no object of a few numbers")
    texts = [*columns, *label, *(values[name] for name in WORDS)]
    if not all(isinstance(text, str) and len(text) <= LONGEST_NAME for text in texts):
        raise ValueError("a name is no short text")
    if not all(type(share) in (int, float) and isfinite(share) for share in label.values()):
        raise ValueError("a number of the label is not finite")
    return RowsDescribed(**values | {"columns": tuple(columns), "label": label})


def read_description(text: bytes) -> RowsDescribed:
    """Read what another process answered.

    Raises:
        ValueError: it is no description.
    """
    if len(text) > LARGEST_ANSWER:
        raise ValueError(f"it is longer than {LARGEST_ANSWER:,} bytes")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise ValueError("it is not JSON") from err
    return described_from(values)
