"""Tables as somebody might bring them: written by hand, small, the same each time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

ROWS = 400


def shop(rows: int = ROWS) -> dict[str, list[str]]:
    """Return orders over a year, each with a buyer that comes again, and whether it was sent back."""
    draw = np.random.default_rng(0)
    start = datetime(2021, 1, 1)
    prices = draw.lognormal(3, 1, rows)
    returned = draw.random(rows) < 1 / (1 + np.exp(3 - np.log(prices)))
    return {
        "order id": [f"o{number:05}" for number in range(rows)],
        "ordered": [(start + timedelta(hours=8760 * number / rows)).isoformat() for number in range(rows)],
        "buyer_id": [f"b{number}" for number in draw.integers(0, 30, rows)],
        "price": [f"{price:.2f}" for price in prices],
        "colour": draw.choice(["red", "green", "blue"], rows).tolist(),
        "returned": ["yes" if each else "no" for each in returned],
    }


def as_csv(columns: Mapping[str, Sequence[str]], separator: str = ",") -> str:
    """Return columns of texts as CSV."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return target.getvalue()


def write_csv(file: Path, columns: Mapping[str, Sequence[str]]) -> Path:
    """Write columns of texts as CSV and return the file."""
    file.write_text(as_csv(columns), encoding="utf-8")
    return file
