"""Who made what, and what is held against change, in Handrail's own store."""

from __future__ import annotations

from pathlib import PurePosixPath

import sqlalchemy as sa

from handrail.approvals.adapters.tables import holds, makers
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.ports import Holds, Provenance
from handrail.storage import Store
from handrail.storage.bulk import insert_new


class SqlProvenance(Provenance):
    """Remembers which account made what on the server."""

    def __init__(self, store: Store) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store
        self._written: set[tuple[str, str, str]] = set()

    def record(self, kind: str, key: str, account: str) -> None:
        """Remember durably that the account made this. Repeating changes nothing."""
        row = (kind, key, account)
        if row in self._written:
            return
        with self._store.write() as connection:
            connection.execute(insert_new(connection, makers), {"kind": kind, "thing": key, "account": account})
        self._written.add(row)

    def makers(self, candidate: Candidate) -> tuple[str, ...]:
        """Return every account that made the version, its run, its logged model or a file below its tree."""
        made = [
            _is("version", candidate.key),
            _is("run", candidate.run_id),
            _is("logged_model", candidate.logged_model_id),
            sa.and_(makers.c.kind == "path", _at_or_below(makers.c.thing, candidate.tree)),
        ]
        with self._store.read() as connection:
            found = connection.execute(sa.select(makers.c.account).distinct().where(sa.or_(*made))).scalars().all()
        return tuple(sorted(found))


class SqlHolds(Holds):
    """Remembers what must not change any more."""

    def __init__(self, store: Store) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store

    def hold(self, candidate: Candidate) -> None:
        """Hold the version and all it consists of, durably. Repeating changes nothing."""
        things = {
            "version": f"{candidate.model}/{candidate.version}",
            "model": candidate.model,
            "run": candidate.run_id,
            "experiment": candidate.experiment_id,
            "logged_model": candidate.logged_model_id,
            "path": candidate.tree,
        }
        rows = [{"kind": kind, "thing": thing, "label": candidate.label} for kind, thing in things.items() if thing]
        with self._store.write() as connection:
            connection.execute(insert_new(connection, holds), rows)

    def holder(self, kind: str, key: str) -> str | None:
        """Return the label of the candidate that holds this thing."""
        return self._label(sa.and_(holds.c.kind == kind, holds.c.thing == key))

    def holder_of_path(self, path: str) -> str | None:
        """Return the label of a candidate whose tree is at, above or below an absolute path."""
        above = [str(parent) for parent in PurePosixPath(path).parents]
        touches = sa.or_(holds.c.thing.in_(above), _at_or_below(holds.c.thing, path))
        return self._label(sa.and_(holds.c.kind == "path", touches))

    def _label(self, wanted: sa.ColumnElement[bool]) -> str | None:
        with self._store.read() as connection:
            label: str | None = connection.execute(sa.select(holds.c.label).where(wanted).limit(1)).scalar()
            return label


def _is(kind: str, key: str | None) -> sa.ColumnElement[bool]:
    return sa.and_(makers.c.kind == kind, makers.c.thing == key) if key else sa.false()


def _at_or_below(column: sa.ColumnElement[str], path: str) -> sa.ColumnElement[bool]:
    below = path.rstrip("/") + "/"
    return sa.or_(column == path, sa.func.substr(column, 1, len(below)) == below)
