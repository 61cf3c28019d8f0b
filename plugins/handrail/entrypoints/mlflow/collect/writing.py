"""Writes what was collected into lineage, many records a transaction; what lineage refuses is named, the rest kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handrail.entrypoints.mlflow.collect.records import Record
from handrail.errors import HandrailError, Unavailable
from handrail.lineage import Lineage

Thing = tuple[str, Sequence[Record]]
"""What a thing is called, and what is recorded of it."""


@dataclass(slots=True)
class Writer:
    """Writes into `lineage` and counts; `refused` has a sentence for each record that lineage did not take."""

    lineage: Lineage
    seen: Callable[[str], object] = lambda _what: None
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def write(self, kind: str, things: Sequence[Thing]) -> None:
        """Write the records of things of one kind as one transaction; if that is refused, each by itself.

        Raises:
            Unavailable: the store cannot be written.
        """
        self.counts[kind] += len(things)
        self.seen(f"{kind} {self.counts[kind]:,}")
        batch = self.lineage.batch()
        try:
            for _, records in things:
                for record in records:
                    record.record(batch)
            batch.write()
        except Unavailable:
            raise
        except HandrailError:
            self._write_each(things)

    def _write_each(self, things: Sequence[Thing]) -> None:
        for what, record in ((what, record) for what, records in things for record in records):
            try:
                record.record(self.lineage)
            except Unavailable:
                raise
            except HandrailError as err:
                self.refused.append(f"{what}: {err}")
