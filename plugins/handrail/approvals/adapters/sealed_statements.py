"""Rows that say something once: each is sealed, and has a leaf of the log under the thing that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.sql_log import SqlLog, read_leaf
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import commitments, confirmations
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.manifest import digest_of


@dataclass(frozen=True, slots=True)
class Statements:
    """The rows of one table: `about` names the column of the thing, `said` what a leaf repeats, `moment` its time.

    `same` are the columns by which two of them are the same, so that the second one changes nothing.
    """

    table: sa.Table
    what: str
    kind: str
    prefix: str
    about: str
    same: tuple[str, ...]
    said: tuple[str, ...]
    moment: str

    def key_of(self, thing: str) -> str:
        """Return under which key the log has the leaves about a thing."""
        return self.prefix + digest_of([self.what, thing]).removeprefix("sha256:")[:20]

    def add(self, connection: Connection, log: SqlLog, seals: Seals, said: Mapping[str, Any], at: str) -> bool:
        """Add a row unless the same is there; return whether it was added. A taken place is an IntegrityError."""
        table, thing = self.table, said[self.about]
        same = sa.and_(*(table.c[name] == said[name] for name in self.same))
        if connection.execute(sa.select(table.c.position).where(same)).first() is not None:
            return False
        last = sa.select(sa.func.coalesce(sa.func.max(table.c.position), -1)).where(table.c[self.about] == thing)
        place = int(connection.execute(last).scalar_one()) + 1
        row = {**said, "position": place, self.moment: at}
        connection.execute(table.insert().values(row))
        seals.seal(connection, table, row)
        log.append(connection, Leaf(self.kind, at, dict(said), self.key_of(thing), place))
        return True

    def about_one(self, connection: Connection, log: SqlLog | None, thing: str) -> Sequence[Any]:
        """Return the rows about a thing in their order, as they were logged.

        Raises:
            LogMismatch: they are not.
        """
        table = self.table
        rows = connection.execute(sa.select(table).where(table.c[self.about] == thing).order_by(table.c.position)).all()
        if log and log.has_begun(connection):
            problem = next(self.mismatches(rows, log.about(connection, [self.key_of(thing)])), None)
            if problem:
                raise LogMismatch(f"The {self.what} of {thing}", problem)
        return rows

    def problems(self, connection: Connection, logged: Mapping[str, Sequence[LoggedLeaf]]) -> Iterator[str]:
        """Yield a sentence for each row of the table that is not what was logged, and each that is gone."""
        table = self.table
        stored: dict[str, list[Any]] = {key: [] for key in logged if key.startswith(self.prefix)}
        for row in connection.execute(sa.select(table).order_by(table.c[self.about], table.c.position)):
            stored.setdefault(self.key_of(getattr(row, self.about)), []).append(row)
        for key, rows in sorted(stored.items()):
            for problem in self.mismatches(rows, logged.get(key, [])):
                yield f"The {self.what} {key!r} {problem}."

    def mismatches(self, rows: Sequence[Any], leaves: Sequence[LoggedLeaf]) -> Iterator[str]:
        """Yield what differs between the rows about one thing and the leaves about them, which are verified."""
        logged = {leaf.position: (leaf.number, read_leaf(leaf.content)) for leaf in leaves}
        for row in rows:
            number, values = logged.pop(row.position, (None, {}))
            if number is None:
                yield f"have an entry {row.position} without a leaf in the log"
                continue
            stored = {name: getattr(row, name) for name in self.said}
            if (stored, getattr(row, self.moment), self.kind) != (values["facts"], values["at"], values["kind"]):
                yield f"have an entry {row.position} that is not what leaf {number} says"
        for position, (number, _) in sorted(logged.items(), key=str):
            yield f"have lost their entry {position}, which leaf {number} has"


CONFIRMATIONS = Statements(
    table=confirmations,
    what="confirmations",
    kind="snapshot-confirmed",
    prefix="sc-",
    about="digest",
    same=("digest", "model", "account"),
    said=("digest", "model", "account", "person"),
    moment="confirmed_at",
)
COMMITMENTS = Statements(
    table=commitments,
    what="commitments",
    kind="predictions-committed",
    prefix="pc-",
    about="tree_digest",
    same=("tree_digest", "digest"),
    said=("tree_digest", "digest", "model", "account"),
    moment="committed_at",
)
ALL = (CONFIRMATIONS, COMMITMENTS)
