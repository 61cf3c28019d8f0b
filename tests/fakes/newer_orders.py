"""Newer orders of the same shop, for a project that knows the first half of them; and the bytes of a project."""

import hashlib
from pathlib import Path

from tests.fakes.tables import shop

FIRST, ALL, AGAIN = 400, 800, 50
SOURCE = Path("data") / "source" / "table.parquet"


def rows_of(columns, start, stop):
    return {name: values[start:stop] for name, values in columns.items()}


def all_orders():
    """Return orders over a year, the second half of them new; dates and numbers as only some people write them."""
    whole = shop(ALL)
    days = [f"{1 + n % 12}/{1 + n % 9}/2020" for n in range(ALL)]
    return whole | {"born": days, "weight": [f"{n % 300 + 1000:,}.5" for n in range(ALL)]}


def newer(**changes):
    """Return the newer file: fifty rows that are there already, and 400 that are not."""
    return rows_of(all_orders(), FIRST - AGAIN, ALL) | changes


def digests(folder):
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and ".dvc/tmp" not in file.as_posix()
    }
