"""The sources of events, read from SQL."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from handrail.feedback.adapters.sql_tables import event
from handrail.feedback.domain.material import Mark
from handrail.feedback.source_ports import EventSources
from handrail.storage import Store

AT_ONCE = 10_000


class SqlSources(EventSources):
    """The sources of events, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def named(self, kind: str, upto: Mark) -> Iterator[tuple[str, str]]:
        """Read the rows of the kind, some thousand at once."""
        asked = sa.select(event.c.event_id, event.c.source).where(event.c.kind == kind, event.c.seq <= upto.events)
        with self._store.read() as connection:
            for rows in connection.execution_options(stream_results=True).execute(asked).partitions(AT_ONCE):
                yield from ((row[0], row[1]) for row in rows)
