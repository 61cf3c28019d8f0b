"""Findings in Handrail's own store: rows are only inserted, each with its leaf of the log in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.sql_log import SqlLog, read_leaf
from handrail.approvals.adapters.tables import findings
from handrail.approvals.domain.errors import LogMismatch, MovedMeanwhile
from handrail.approvals.domain.findings import FindingClosed, FindingEvent, FindingOpened, Severity
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.finding_ports import FindingBook
from handrail.manifest import canonical_json, digest_of, digest_of_bytes
from handrail.storage import Store

FORMAT = 1
KEY = "fm-"
_KINDS: dict[str, type[FindingEvent]] = {"finding-opened": FindingOpened, "finding-closed": FindingClosed}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class SqlFindings(FindingBook):
    """Keeps the promise of `FindingBook`."""

    def __init__(self, store: Store, log: SqlLog | None) -> None:
        """Write to the store, whose approvals tables are migrated; without a log it reads, and checks nothing."""
        self._store = store
        self._log = log

    def models(self) -> Sequence[str]:
        """Return the models about which there ever was a finding."""
        with self._store.read() as connection:
            return list(connection.execute(sa.select(findings.c.model).distinct().order_by(findings.c.model)).scalars())

    def events(self, model: str) -> Sequence[FindingEvent]:
        """Return what happened to the findings of a model, as it was logged."""
        key = key_of(model)
        wanted = sa.select(findings).where(findings.c.model_key == key).order_by(findings.c.position)
        with self._store.read() as connection:
            rows = connection.execute(wanted).all()
            if self._log and self._log.has_begun(connection):
                problem = next(finding_mismatches(rows, self._log.about(connection, [key])), None)
                if problem:
                    raise LogMismatch(f"The findings about {model!r}", problem)
        return [event_from(row.kind, row.body) for row in rows]

    def append(self, model: str, known: int, event: FindingEvent) -> None:
        """Store the event at its place with its leaf, or nothing."""
        assert self._log is not None, "these findings were opened for reading"
        row = {
            "model_key": key_of(model),
            "position": known,
            "kind": kind_of(event),
            "model": model,
            "body": body_of(event),
        }
        try:
            with self._store.write() as connection:
                self._refuse_gap(connection, row)
                connection.execute(findings.insert().values(row))
                self._log.append(connection, _leaf(row, event))
        except IntegrityError as err:
            raise MovedMeanwhile(f"findings about {model}") from err
        self._log.committed()

    @staticmethod
    def _refuse_gap(connection: Connection, row: dict[str, Any]) -> None:
        mine = sa.select(sa.func.count()).where(findings.c.model_key == row["model_key"])
        if connection.execute(mine).scalar_one() != row["position"]:
            raise MovedMeanwhile(f"findings about {row['model']}")


def key_of(model: str) -> str:
    """Return under which key the log has the leaves about the findings of a model."""
    return KEY + digest_of(["findings", model]).removeprefix("sha256:")[:20]


def kind_of(event: FindingEvent) -> str:
    """Return the name under which this kind of event is stored."""
    return _NAMES[type(event)]


def event_from(kind: str, body: str) -> FindingEvent:
    """Read what was stored."""
    values: dict[str, Any] = json.loads(body)
    del values["format"]
    values["at"] = datetime.fromisoformat(values["at"])
    if "severity" in values:
        values["severity"] = Severity(values["severity"])
    return _KINDS[kind](**values)


def finding_mismatches(rows: Sequence[Any], leaves: Sequence[LoggedLeaf]) -> Iterator[str]:
    """Yield what differs between the rows about one model and the leaves about them, which are verified."""
    logged = {leaf.position: (leaf.number, read_leaf(leaf.content)) for leaf in leaves}
    for row in rows:
        number, values = logged.pop(row.position, (None, {}))
        if number is None:
            yield f"have an entry {row.position} without a leaf in the log"
            continue
        facts = values["facts"]
        stored = (row.kind, digest_of_bytes(row.body.encode("utf-8")), row.model, row.model_key)
        if stored != (values["kind"], facts["body"], facts["model"], key_of(facts["model"])):
            yield f"have an entry {row.position} that is not what leaf {number} says"
    for position, (number, values) in sorted(logged.items(), key=str):
        yield f"have lost their entry {position} of kind {values['kind']!r}, which leaf {number} has"


def body_of(event: FindingEvent) -> str:
    """Write an event's fields."""
    return canonical_json(asdict(event) | {"at": event.at.isoformat(), "format": FORMAT}).decode("utf-8")


def _leaf(row: dict[str, Any], event: FindingEvent) -> Leaf:
    facts = {"body": digest_of_bytes(row["body"].encode("utf-8")), "model": row["model"]}
    facts |= {"finding_id": event.finding_id, "account": event.account}
    return Leaf(row["kind"], event.at.isoformat(), facts, row["model_key"], row["position"])
