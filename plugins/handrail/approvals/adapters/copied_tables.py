"""Copies the tables of the approvals from one database to another, as they are."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.tables import metadata, requests
from handrail.errors import Misconfigured
from handrail.storage import Store

AT_ONCE = 500


def copy_tables(source: Store, target: Store) -> int:
    """Copy every row in one transaction unless the target has requests or a log already; return how many.

    Both are migrated.

    Raises:
        Misconfigured: the target holds another gate's records.
    """
    with source.read() as old, target.write() as new:
        if _has_begun(new):
            if _ids(new) >= _ids(old):
                return 0
            raise Misconfigured(
                target.address,
                "it holds the records of another gate",
                "Name an empty database in approvals_database_url, or another approvals_home.",
            )
        count = 0
        for table in metadata.sorted_tables:
            # A migration puts the log's head there.
            new.execute(table.delete())
            for rows in old.execute(sa.select(table)).mappings().partitions(AT_ONCE):
                new.execute(table.insert(), [dict(row) for row in rows])
                count += len(rows)
            _count_on(new, table)
        return count


def _has_begun(connection: Connection) -> bool:
    head = metadata.tables["approvals_head"]
    return bool(connection.execute(sa.select(head.c.signature)).scalar()) or bool(_ids(connection))


def _ids(connection: Connection) -> set[str]:
    return set(connection.execute(sa.select(requests.c.request_id)).scalars())


def _count_on(connection: Connection, table: sa.Table) -> None:
    """Let a database that counts by a sequence go on after the highest number that was copied."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.columns:
        if column.identity is not None:
            highest = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(sequence, highest, sa.false())))
