"""The tables of lineage, as the migrations leave them.

A node's id is the first 63 bits of the sha256 of its URI, so that equal facts make equal rows in whatever order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.storage.bulk import ID, read

MIGRATIONS = Path(__file__).parent / "migrations"
NODES = """
select n.id, n.uri, n.role, n.kind, n.started, n.ended from {given} cross join lineage_node n where n.id = g.a
"""

metadata = sa.MetaData()
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _columns(**types: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, type_) for name, type_ in types.items()]


node = sa.Table(
    "lineage_node",
    metadata,
    *_columns(id=sa.BigInteger, uri=TEXT, role=sa.SmallInteger, kind=TEXT, started=TEXT, ended=TEXT),
)
attribute = sa.Table("lineage_attribute", metadata, *_columns(node=sa.BigInteger, name=TEXT, value=TEXT))
edge = sa.Table(
    "lineage_edge",
    metadata,
    *_columns(effect=sa.BigInteger, cause=sa.BigInteger, verb=sa.SmallInteger, proven=sa.Boolean),
)
statement = sa.Table(
    "lineage_statement",
    metadata,
    *_columns(effect=sa.BigInteger, cause=sa.BigInteger, verb=sa.SmallInteger),
    *_columns(asserted_by=TEXT, effect_digest=TEXT, cause_digest=TEXT, agreed=TEXT),
)
digest = sa.Table(
    "lineage_digest", metadata, *_columns(node=sa.BigInteger, digest=TEXT, algorithm=TEXT, standing=sa.Boolean)
)
column = sa.Table(
    "lineage_column",
    metadata,
    *_columns(id=sa.BigInteger, effect=sa.BigInteger, column=TEXT, cause=sa.BigInteger, source=TEXT, how=TEXT),
    *_columns(asserted_by=TEXT),
)
pointer = sa.Table("lineage_pointer", metadata, *_columns(name=TEXT, at=TEXT, target=TEXT, by=TEXT, row_digest=TEXT))

event = sa.Table("lineage_event", metadata, *_columns(event_id=TEXT, event_time=TEXT, producer=TEXT, body=TEXT))
sender = sa.Table("lineage_event_sender", metadata, *_columns(event_id=TEXT, sender=TEXT))
run = sa.Table(
    "lineage_run",
    metadata,
    *_columns(run_id=TEXT, job=TEXT, state_rank=sa.SmallInteger, started=TEXT, ended=TEXT),
)
outbox = sa.Table(
    "lineage_outbox",
    metadata,
    *_columns(sink=TEXT, event_time=TEXT, state_rank=sa.SmallInteger, event_id=TEXT, stream=TEXT, refused=TEXT),
)
epoch = sa.Table("lineage_epoch", metadata, *_columns(id=sa.SmallInteger, epoch=sa.BigInteger))
recent_edge = sa.Table(
    "lineage_recent_edge", metadata, *_columns(epoch=sa.BigInteger, effect=sa.BigInteger, cause=sa.BigInteger)
)
token = sa.Table(
    "lineage_token",
    metadata,
    *_columns(name=TEXT, holder=TEXT, digest=TEXT, made_at=TEXT, may=TEXT, namespaces=TEXT),
    *_columns(reports=TEXT, row_digest=TEXT),
)


class NodeRow(NamedTuple):
    """A row of `lineage_node`; moments are texts that sort as they do."""

    id: int
    uri: str
    role: int
    kind: str
    started: str | None
    ended: str | None


class StatementRow(NamedTuple):
    """A row of `lineage_statement`."""

    effect: int
    cause: int
    verb: int
    asserted_by: str
    effect_digest: str
    cause_digest: str
    agreed: str

    @property
    def edge(self) -> tuple[int, int, int]:
        """The key of the edge that it states."""
        return self.effect, self.cause, self.verb


@lru_cache(maxsize=65_536)
def node_id(uri: str) -> int:
    """Return the id of the node with that URI."""
    return int.from_bytes(hashlib.sha256(uri.encode()).digest()[:8], "big") >> 1


def digest_row(values: Sequence[str | None]) -> str:
    """Return the sha256 in hex of a row's texts, so that an altered one is found (stored: never change how)."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()


def token_texts(row: Sequence[str | None]) -> Sequence[str | None]:
    """Return the texts of a token's row that its digest covers: `reports` only where it says something."""
    *before, reports = row
    return row if reports is not None else before


def read_node_rows(connection: Connection, ids: Sequence[int]) -> list[NodeRow]:
    """Return the rows of these nodes, as far as they are stored."""
    return [NodeRow(*row) for row in read(connection, NODES, ids, ID)]


def to_text(moment: datetime | None) -> str | None:
    """Write a moment so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def to_moment(text: str | None) -> datetime | None:
    """Read what `to_text` wrote."""
    return datetime.fromisoformat(text) if text else None
