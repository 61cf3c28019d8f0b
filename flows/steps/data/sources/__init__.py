"""Where tables come from: one port, one module a kind of source."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl


class Source(Protocol):
    """Where the tables of `flows.steps.data.source_tables` are read from. Nothing is filtered here."""

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """Name what is read: a digest for each table. Equal digests mean equal rows, on every machine."""

    @abstractmethod
    def read(self, table: str) -> pl.DataFrame:
        """Return all rows of a table, with the types of `source_tables.COLUMNS`.

        Raises:
            Unavailable: the source does not answer, or holds other bytes than its identity says.
            InvalidInput: the columns are not those of the table.
        """
