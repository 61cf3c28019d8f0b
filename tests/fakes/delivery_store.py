"""Databases with the tables of delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.delivery import Splits, Swaps
from handrail.delivery.adapters.sql_splits import MIGRATIONS, SqlSplits
from handrail.delivery.adapters.sql_swaps import SqlSwaps
from tests.fakes.feedback_store import a_migrated_store


@contextmanager
def splits_of(kind: str, folder: Path) -> Iterator[Splits]:
    """Lend empty records of splits in a database."""
    with a_migrated_store(kind, folder, "delivery", MIGRATIONS) as store:
        yield SqlSplits(store)


@contextmanager
def swaps_of(kind: str, folder: Path) -> Iterator[Swaps]:
    """Lend empty records of swaps in a database."""
    with a_migrated_store(kind, folder, "delivery", MIGRATIONS) as store:
        yield SqlSwaps(store)
