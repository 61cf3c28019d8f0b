"""Rules in force and their changes in Handrail's own store: a stream of records each, every record with its leaf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.rule_rows import (
    change_body,
    change_from,
    decision_body,
    decision_from,
    rules_body,
    rules_from,
)
from handrail.approvals.adapters.sql_log import SqlLog, read_leaf
from handrail.approvals.adapters.tables import rule_records
from handrail.approvals.domain.errors import LogMismatch, MovedMeanwhile
from handrail.approvals.domain.events import Decided
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.rule_changes import ChangeHistory, RuleChange, RulesInForce
from handrail.approvals.rule_ports import RuleRecords
from handrail.errors import UnknownReference
from handrail.manifest import digest_of_bytes
from handrail.storage import Store

IN_FORCE = "rules"
"""The stream of what was in force; each change has a stream of its own, under its id."""
ADOPTED, PROPOSED, DECIDED = "rules-adopted", "rules-proposed", "rules-decided"
KINDS = frozenset({ADOPTED, PROPOSED, DECIDED})
"""The kinds of leaves that are about rules."""


class SqlRules(RuleRecords):
    """Keeps the promise of `RuleRecords`."""

    def __init__(self, store: Store, log: SqlLog | None) -> None:
        """Write to the store, whose approvals tables are migrated; without a log it reads, and checks nothing."""
        self._store = store
        self._log = log
        self._known: tuple[int, RulesInForce] | None = None

    def in_force(self) -> RulesInForce | None:
        """Return the rules in force, as the log says. What was verified is not read again until there are others."""
        with self._store.read() as connection:
            newest = connection.execute(
                sa.select(sa.func.max(rule_records.c.number)).where(rule_records.c.stream == IN_FORCE)
            ).scalar()
        if self._known is None or self._known[0] != newest:
            found = self.all_in_force()
            if not found:
                return None
            self._known = newest or 0, found[-1]
        return self._known[1]

    def all_in_force(self) -> Sequence[RulesInForce]:
        """Return all rules that were ever in force, oldest first."""
        return [rules_from(row.body) for row in self._stream(IN_FORCE)]

    def take(self, taken: RulesInForce) -> None:
        """Bring rules into force as the number that they have."""
        self._write(IN_FORCE, [self._adopting(taken)])

    def open(self, change: RuleChange) -> ChangeHistory:
        """Store the proposal unless its id is there already."""
        body = change_body(change)
        facts = {"base": change.base, "rules": change.rules.digest, "proposer": change.proposer}
        record = change.change_id, 0, PROPOSED, body, change.opened_at.isoformat(), facts
        try:
            self._write(change.change_id, [record])
        except MovedMeanwhile:
            return self.load(change.change_id)
        return ChangeHistory(change)

    def append(self, history: ChangeHistory, decision: Decided, adopted: RulesInForce | None) -> ChangeHistory:
        """Store the decision, and the rules that it brings into force, in one transaction."""
        stream = history.change.change_id
        body = decision_body(decision)
        facts: dict[str, Any] = {"account": decision.account, "person": decision.person, "choice": str(decision.choice)}
        facts |= {} if decision.signature is None else {"signature": decision.signature.to_json()}
        records = [(stream, 1 + len(history.decided), DECIDED, body, decision.at.isoformat(), facts)]
        self._write(stream, records + ([self._adopting(adopted)] if adopted else []))
        return self.load(stream)

    def load(self, change_id: str) -> ChangeHistory:
        """Return a proposal with its decisions, each as the log says."""
        found = self._stream(change_id)
        if not found:
            raise UnknownReference("rule change", change_id, "List them with 'handrail approvals rules list'.")
        return _history(found, self._adopted_changes())

    def changes(self) -> Sequence[ChangeHistory]:
        """Return everything that was proposed, oldest first."""
        asked = sa.select(rule_records).where(rule_records.c.stream != IN_FORCE).order_by(rule_records.c.number)
        streams: dict[str, list[sa.Row[Any]]] = {}
        with self._store.read() as connection:
            for row in connection.execute(asked):
                streams.setdefault(row.stream, []).append(row)
        adopted = self._adopted_changes()
        return [_history(rows, adopted) for rows in streams.values()]

    def _adopted_changes(self) -> frozenset[str]:
        return frozenset(rules.change_id for rules in self.all_in_force() if rules.change_id)

    def _adopting(self, taken: RulesInForce) -> tuple[str, int, str, str, str, Mapping[str, Any]]:
        at, body = taken.at.isoformat(), rules_body(taken)
        facts = {"rules": taken.rules.digest, "way": str(taken.way), "by": taken.by, "change": taken.change_id}
        return IN_FORCE, taken.number, ADOPTED, body, at, facts

    def _write(self, what: str, records: Sequence[tuple[str, int, str, str, str, Mapping[str, Any]]]) -> None:
        assert self._log is not None, "these rules were opened for reading"
        try:
            with self._store.write() as connection:
                for stream, position, kind, body, at, facts in records:
                    row = {"stream": stream, "position": position, "kind": kind, "body": body}
                    key = connection.execute(rule_records.insert().values(row)).inserted_primary_key
                    assert key is not None
                    facts = {**facts, "body": digest_of_bytes(body.encode("utf-8")), "row": int(key[0])}
                    self._log.append(connection, Leaf(kind, at, facts, stream, position))
        except IntegrityError as err:
            raise MovedMeanwhile(what) from err
        self._log.committed()

    def _stream(self, stream: str) -> list[sa.Row[Any]]:
        asked = sa.select(rule_records).where(rule_records.c.stream == stream).order_by(rule_records.c.position)
        with self._store.read() as connection:
            rows = list(connection.execute(asked))
            if self._log and self._log.has_begun(connection):
                leaves = self._log.about(connection, [stream])
                if problem := next(rule_mismatches(rows, leaves), None):
                    raise LogMismatch(f"The record {stream!r} of the rules", problem)
        return rows


def rule_mismatches(rows: Sequence[sa.Row[Any]], leaves: Sequence[LoggedLeaf]) -> Iterator[str]:
    """Yield what differs between the records of one stream and the leaves about it, which are verified."""
    logged = {leaf.position: read_leaf(leaf.content) for leaf in leaves}
    for row in rows:
        values = logged.pop(row.position, None)
        if values is None:
            yield f"has a part {row.position} without a leaf in the log"
        elif _logged(values) != (row.kind, row.number, digest_of_bytes(row.body.encode("utf-8"))):
            yield f"has a part {row.position} that is not what leaf {values['number']} says"
    for position, values in logged.items():
        yield f"has lost its part {position}, which leaf {values['number']} has"


def rule_problems(connection: Connection, logged: Mapping[str, Sequence[LoggedLeaf]]) -> Iterator[str]:
    """Yield one sentence for each record that is not as it was logged; `logged` has the leaves of all streams."""
    streams: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(sa.select(rule_records).order_by(rule_records.c.stream, rule_records.c.position)):
        streams.setdefault(row.stream, []).append(row)
    for stream in sorted({*streams, *logged}):
        for problem in rule_mismatches(streams.get(stream, ()), logged.get(stream, ())):
            yield f"The record {stream!r} of the rules {problem}."


def _logged(values: Mapping[str, Any]) -> tuple[str, int | None, str]:
    return values["kind"], values["facts"].get("row"), values["facts"]["body"]


def _history(rows: Sequence[sa.Row[Any]], adopted: frozenset[str]) -> ChangeHistory:
    change = change_from(rows[0].body)
    return ChangeHistory(change, tuple(decision_from(row.body) for row in rows[1:]), change.change_id in adopted)
