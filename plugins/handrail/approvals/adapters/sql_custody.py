"""Who made what, and what is held against change, in Handrail's own store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import holds, makers, parents, releases, uploads
from handrail.approvals.domain.subject import Authorship, Candidate
from handrail.approvals.ports import Holds, Provenance
from handrail.manifest import Manifest
from handrail.storage import Store

WRITTEN_BY_MLFLOW = frozenset({"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"})
"""Files that MLflow writes beside each model: many who have nothing to do with one another upload equal ones."""
MOST_AT_ONCE = 500
_RECORDS = {
    "record": (makers, ("kind", "thing", "account")),
    "record_upload": (uploads, ("sha256", "account")),
    "record_parent": (parents, ("run_id", "parent")),
}
"""Where each kind of record is kept, and the columns that its values fill."""


class SqlProvenance(Provenance):
    """Remembers which account made what on the server."""

    def __init__(self, store: Store, seals: Seals) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store
        self._seals = seals

    def record(self, kind: str, key: str, account: str) -> None:
        """Remember durably that the account made this. Repeating changes nothing."""
        self.record_all([("record", kind, key, account)])

    def record_upload(self, sha256: str, account: str) -> None:
        """Remember durably who was the first to upload a file with these bytes; later uploads change nothing."""
        self.record_all([("record_upload", sha256, account)])

    def record_parent(self, run_id: str, parent: str) -> None:
        """Remember durably that a run was once a child of another."""
        self.record_all([("record_parent", run_id, parent)])

    def record_all(self, records: Iterable[tuple[str, ...]]) -> None:
        """Remember all of it in one transaction."""
        with self._store.write() as connection:
            for what, *values in records:
                table, columns = _RECORDS[what]
                self._seals.insert(connection, table, [dict(zip(columns, values, strict=True))])

    def makers(self, candidate: Candidate, manifest: Manifest, approved: Collection[str] = ()) -> Authorship:
        """Return who made the candidate, and the parts whose maker is not recorded."""
        with self._store.read() as connection:
            versions = _makers_of(connection, "version", {candidate.key})
            models = _makers_of(connection, "logged_model", {candidate.logged_model_id})
            runs = _makers_of(connection, "run", {candidate.run_id})
            relatives = _makers_of(connection, "run", _family(connection, candidate.run_id))
            written = sa.select(makers.c.thing, makers.c.account).where(makers.c.kind == "path")
            at = written.where(makers.c.thing == candidate.tree)
            below = written.where(_below(connection, makers.c.thing, candidate.tree))
            writers = [*connection.execute(at), *connection.execute(below)]
            first = _first_uploaders(connection, _own_bytes(manifest, approved))
        folders = {str(row.thing) for row in writers}
        parts = (
            ("the version", versions or not candidate.version),
            (f"the run {candidate.run_id}", runs or not candidate.run_id),
            (f"the logged model {candidate.logged_model_id}", models or not candidate.logged_model_id),
            *((f"the files in {place}", path in folders) for place, path in _folders(candidate, manifest)),
        )
        accounts = versions | models | runs | relatives | first | {str(row.account) for row in writers}
        return Authorship(tuple(sorted(accounts)), tuple(part for part, known in parts if not known))


class SqlHolds(Holds):
    """Remembers what must not change any more."""

    def __init__(self, store: Store, seals: Seals) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store
        self._seals = seals

    def hold(self, candidate: Candidate, holder: str) -> None:
        """Hold the version and all it consists of for `holder`, durably. Repeating changes nothing."""
        things = {
            "version": f"{candidate.model}/{candidate.version}",
            "model": candidate.model,
            "run": candidate.run_id,
            "experiment": candidate.experiment_id,
            "logged_model": candidate.logged_model_id,
            "path": candidate.tree,
        }
        rows = [
            {"kind": kind, "thing": thing, "holder": holder, "label": candidate.label}
            for kind, thing in things.items()
            if thing
        ]
        with self._store.write() as connection:
            self._seals.insert(connection, holds, rows)

    def release(self, holder: str, at: datetime, reason: str) -> None:
        """End what is held for `holder`, durably and for good. Repeating changes nothing."""
        with self._store.write() as connection:
            self._seals.insert(connection, releases, [{"holder": holder, "at": at.isoformat(), "reason": reason}])

    def holders(self) -> frozenset[str]:
        """Return everybody for whom something is held."""
        with self._store.read() as connection:
            return frozenset(connection.execute(sa.select(holds.c.holder).where(_IS_HELD).distinct()).scalars())

    def holder(self, kind: str, key: str) -> str | None:
        """Return the label of the candidate that holds this thing."""
        return self._label(sa.and_(holds.c.kind == kind, holds.c.thing == key))

    def holder_of_path(self, path: str) -> str | None:
        """Return the label of a candidate whose tree is at, above or below an absolute path."""
        above = [path, *(str(parent) for parent in PurePosixPath(path).parents)]
        is_path = holds.c.kind == "path"
        with self._store.read() as connection:
            # Two questions, each answered by an index, however much is held.
            for touching in (holds.c.thing.in_(above), _below(connection, holds.c.thing, path)):
                label = _first_label(connection, sa.and_(is_path, touching))
                if label is not None:
                    return label
        return None

    def _label(self, wanted: sa.ColumnElement[bool]) -> str | None:
        with self._store.read() as connection:
            return _first_label(connection, wanted)


_IS_HELD = ~sa.exists().where(releases.c.holder == holds.c.holder).correlate(holds)


def _first_label(connection: Connection, wanted: sa.ColumnElement[bool]) -> str | None:
    label: str | None = connection.execute(sa.select(holds.c.label).where(wanted, _IS_HELD).limit(1)).scalar()
    return label


def _makers_of(connection: Connection, kind: str, things: set[str | None]) -> set[str]:
    wanted = sorted(thing for thing in things if thing)
    found: set[str] = set()
    for start in range(0, len(wanted), MOST_AT_ONCE):
        some = makers.c.thing.in_(wanted[start : start + MOST_AT_ONCE])
        found |= set(connection.execute(sa.select(makers.c.account).where(makers.c.kind == kind, some)).scalars())
    return found


def _family(connection: Connection, run_id: str | None) -> set[str | None]:
    """Return every run that has an ancestor in common with this one, the ancestors included."""
    if not run_id:
        return set()
    above = sa.select(sa.literal(run_id, sa.String(64)).label("run_id")).cte("above", recursive=True)
    above = above.union(sa.select(parents.c.parent).where(parents.c.run_id == above.c.run_id))
    below = sa.select(above.c.run_id).cte("below", recursive=True)
    below = below.union(sa.select(parents.c.run_id).where(parents.c.parent == below.c.run_id))
    return set(connection.execute(sa.select(below.c.run_id)).scalars())


def _own_bytes(manifest: Manifest, approved: Collection[str]) -> list[str]:
    files = [entry for entry in manifest.files if PurePosixPath(entry.path).name not in WRITTEN_BY_MLFLOW]
    return sorted({entry.sha256 for entry in files}.difference(approved))


def _first_uploaders(connection: Connection, own: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(own), MOST_AT_ONCE):
        some = uploads.c.sha256.in_(own[start : start + MOST_AT_ONCE])
        found |= set(connection.execute(sa.select(uploads.c.account).where(some)).scalars())
    return found


def _folders(candidate: Candidate, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Give each folder that holds a file of the manifest, for people and as an absolute path."""
    for folder in sorted({str(PurePosixPath(entry.path).parent) for entry in manifest.files}):
        yield "its top folder" if folder == "." else repr(folder), str(PurePosixPath(candidate.tree) / folder)


def _below(connection: Connection, column: sa.ColumnElement[str], path: str) -> sa.ColumnElement[bool]:
    """Compare a path column with a folder by a range that an index serves: byte order, as `/` and `0` follow it.

    Alone, and not as one of two choices: without statistics SQLite would then read every path.
    """
    below = path.rstrip("/")
    ordered = sa.collate(column, "C") if connection.dialect.name == "postgresql" else column
    return sa.and_(ordered >= f"{below}/", ordered < f"{below}0")
