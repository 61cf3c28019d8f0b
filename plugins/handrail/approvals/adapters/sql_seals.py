"""Seals of rows that are no events: who made what, and what is held. A seal is signed, so nobody else can make one.

A row without its seal was written or edited by others; a seal without its row was left by one that was edited or
removed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.tables import (
    commitments,
    confirmations,
    holds,
    looks,
    makers,
    nonces,
    parents,
    releases,
    seals,
    snapshots,
    spent_nonces,
    uploads,
)
from handrail.approvals.ports import HeadSigner
from handrail.manifest import digest_of
from handrail.storage.bulk import insert_new

SEALED = (makers, uploads, parents, holds, releases, snapshots, confirmations, commitments, looks, nonces, spent_nonces)


class Seals:
    """Inserts rows together with their seals, and finds those that have none."""

    def __init__(self, signer: HeadSigner) -> None:
        """Seal with the log's key."""
        self._signer = signer

    def insert(self, connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert and seal the rows whose keys are new."""
        for row in rows:
            if connection.execute(insert_new(connection, table), dict(row)).rowcount:
                self.seal(connection, table, row)

    def adopt(self, connection: Connection) -> None:
        """Seal every row that is there."""
        for table in SEALED:
            for row in connection.execute(sa.select(table)).all():
                self.seal(connection, table, row._asdict())

    def broken(self, connection: Connection) -> Iterator[str]:
        """Yield one sentence for each row without its seal, and for each seal without its row."""
        found = dict(connection.execute(sa.select(seals.c.digest, seals.c.signature)).tuples().all())
        for table in SEALED:
            for row in connection.execute(sa.select(table).order_by(*table.columns)).all():
                digest = _digest(table, row._asdict())
                if not self._is_sealed(digest, found.pop(digest, "")):
                    values = ", ".join(repr(value) for value in row)
                    yield f"The row ({values:.200}) of {table.name} was written or edited by another than the gate."
        for digest in found:
            yield f"A row was removed or edited whose seal begins with {digest[:12]!r}."

    def seal(self, connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Seal a row that was inserted in this transaction."""
        digest = _digest(table, row)
        signature = base64.b64encode(self._signer.sign(_text(digest))).decode("ascii")
        connection.execute(insert_new(connection, seals), {"digest": digest, "signature": signature})

    def _is_sealed(self, digest: str, signature: str) -> bool:
        try:
            return self._signer.holds(_text(digest), base64.b64decode(signature, validate=True))
        except binascii.Error:
            return False


def _digest(table: sa.Table, row: Mapping[str, Any]) -> str:
    # A column that was added later is left out while it is empty: older seals stay what they were.
    sealed = [column.name for column in table.columns if row[column.name] or not column.info.get("later")]
    return digest_of([table.name, {name: row[name] for name in sealed}]).removeprefix("sha256:")


def _text(digest: str) -> str:
    """Return what is signed; no checkpoint looks like it."""
    return f"handrail seal v1\n{digest}\n"
