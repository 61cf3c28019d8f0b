"""Holds every row of the ledger against the log: whatever was changed by other means than the gate is one sentence."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.event_rows import event_from, request_from
from handrail.approvals.adapters.logged_rows import EventRow, RequestRow, mismatches
from handrail.approvals.adapters.sealed_statements import ALL
from handrail.approvals.adapters.sql_findings import KEY as FINDINGS
from handrail.approvals.adapters.sql_findings import finding_mismatches
from handrail.approvals.adapters.sql_log import SqlLog, logged_leaf, read_leaf
from handrail.approvals.adapters.sql_rules import KINDS, rule_problems
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import (
    events,
    findings,
    head,
    leaves,
    moving,
    permits,
    rejections,
    requests,
)
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.leaves import OPENED, LoggedLeaf
from handrail.approvals.domain.merkle import CompactRange
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.manifest import digest_of, digest_of_bytes
from handrail.storage import Store

Logged = dict[str, list[LoggedLeaf]]


class SqlAudit:
    """Reads all approvals tables, and compares each cell with what was signed."""

    def __init__(self, store: Store, log: SqlLog, seals: Seals) -> None:
        """Read the store by the log's public key; nothing is written."""
        self._store = store
        self._log = log
        self._seals = seals

    def problems(self) -> Iterator[str]:
        """Yield one sentence for each thing that is not as the gate wrote it."""
        with self._store.read() as connection:
            if not self._log.has_begun(connection):
                yield "The log has not begun: start the gate's MLflow server once."
                return
            size = yield from self._head()
            streams = yield from self._leaves(connection, size)
            logged = {key: found for key, found in streams.items() if not _is_about_rules(found)}
            yield from rule_problems(connection, {key: streams[key] for key in streams.keys() - logged.keys()})
            yield from _findings(connection, logged)
            for statements in ALL:
                yield from statements.problems(connection, logged)
            yield from self._histories(connection, logged)
            yield from _permits(connection, logged)
            yield from _moving(connection, logged)
            yield from _rejections(connection)
            yield from self._seals.broken(connection)

    def _head(self) -> Generator[str, None, int | None]:
        try:
            return self._log.checkpoint()[0].size
        except LogMismatch as err:
            yield f"{err.what} {err.problem}."
            return None

    def _leaves(self, connection: Connection, size: int | None) -> Generator[str, None, Logged]:
        """Check every leaf and the tree over them; return those that are sound, by request."""
        tree, sound = CompactRange(), dict[str, list[LoggedLeaf]]()
        for row in connection.execute(sa.select(leaves).order_by(leaves.c.number)):
            try:
                leaf = logged_leaf(row)
                problem = self._log.problem_of(leaf)
            except LogMismatch as err:
                yield f"{err.what} {err.problem}."
                continue
            if problem:
                yield f"Leaf {leaf.number} {problem}."
                continue
            if leaf.number == tree.size:
                tree = tree.then(leaf.hash)
            if leaf.request_id is not None:
                sound.setdefault(leaf.request_id, []).append(leaf)
        if size is not None and tree.size != size:
            yield f"Leaf {tree.size} of the log is missing; it has {size}."
        elif connection.execute(sa.select(head.c.name)).scalar() != "log":
            yield "The head of the log was edited: its name is another one."
        return sound

    def _histories(self, connection: Connection, logged: Mapping[str, list[LoggedLeaf]]) -> Iterator[str]:
        happened: dict[str, list[EventRow]] = {}
        for row in connection.execute(sa.select(events).order_by(events.c.request_id, events.c.position)):
            happened.setdefault(row.request_id, []).append(EventRow(**row._mapping))
        missing = {key for key in logged if not key.startswith((FINDINGS, *(statements.prefix for statements in ALL)))}
        for row in connection.execute(sa.select(requests).order_by(requests.c.number)):
            request = RequestRow(**row._mapping)
            missing.discard(request.request_id)
            stored = request, happened.pop(request.request_id, [])
            for problem in mismatches(stored, logged.get(request.request_id, [])):
                yield f"The promotion request {request.request_id!r} {problem}."
            yield from _columns(request)
        for request_id in sorted(missing):
            for problem in mismatches(None, logged[request_id]):
                yield f"The promotion request {request_id!r} {problem}."
        for request_id in sorted(happened):
            yield f"There are events of {request_id!r}, and no such request."


def _findings(connection: Connection, logged: Mapping[str, list[LoggedLeaf]]) -> Iterator[str]:
    """Compare what happened to the findings about each model with their leaves."""
    stored: dict[str, list[sa.Row[Any]]] = {key: [] for key in logged if key.startswith(FINDINGS)}
    for row in connection.execute(sa.select(findings).order_by(findings.c.model_key, findings.c.position)):
        stored.setdefault(row.model_key, []).append(row)
    for key, rows in sorted(stored.items()):
        for problem in finding_mismatches(rows, logged.get(key, [])):
            yield f"The findings {key!r} {problem}."


def _is_about_rules(found: list[LoggedLeaf]) -> bool:
    return all(read_leaf(leaf.content)["kind"] in KINDS for leaf in found)


def _columns(request: RequestRow) -> Iterator[str]:
    """Compare the columns by which a request is found with its body."""
    try:
        held = request_from(request.body)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        yield f"The promotion request {request.request_id!r} cannot be read: {err!r:.200}."
        return
    expected = {"request_id": held.request_id, "alias": held.subject.alias, "subject_key": held.subject.key}
    for name, value in expected.items():
        if getattr(request, name) != value:
            yield f"The promotion request {request.request_id!r} has another {name} in its row than in its body."


def _permits(connection: Connection, logged: Mapping[str, list[LoggedLeaf]]) -> Iterator[str]:
    expected: dict[int, tuple[str, str, int]] = {}
    for request_id, found in logged.items():
        for leaf in found:
            values = read_leaf(leaf.content)
            if values["kind"] == "move-done":
                expected[values["facts"]["row"]] = request_id, values["facts"]["permit"], leaf.number
    for row in connection.execute(sa.select(permits).order_by(permits.c.number)):
        request_id, digest, _ = expected.pop(row.number, ("", "", -1))
        name = f"The permit {row.number} of {row.request_id!r}"
        if digest != digest_of_bytes(row.envelope.encode("utf-8")) or request_id != row.request_id:
            yield f"{name} is not one that the log has."
            continue
        permit = Permit.from_payload(Envelope.from_json(row.envelope).payload)
        key = digest_of([permit.server, permit.model, permit.alias])
        if (permit.tree_digest, key) != (row.tree_digest, row.alias_key):
            yield f"{name} has another tree or alias in its row than in the permit."
    for number, (request_id, _, leaf_number) in expected.items():
        yield f"The permit {number} of {request_id!r} is gone, which leaf {leaf_number} has."


def _moving(connection: Connection, logged: Mapping[str, list[LoggedLeaf]]) -> Iterator[str]:
    """Compare the marks of moves under way with the moves that began and did not end."""
    expected = set()
    for request_id, found in logged.items():
        said = [read_leaf(leaf.content) for leaf in found]
        moves = [values["kind"] for values in said if values["kind"].startswith("move-")]
        facts = next((values["facts"] for values in said if values["kind"] == OPENED), None)
        if facts and moves and moves[-1] == "move-intended":
            expected.add((digest_of([facts["server"], facts["model"], facts["alias"]]), request_id))
    marked = {(row.alias_key, row.request_id) for row in connection.execute(sa.select(moving))}
    for _, request_id in sorted(expected - marked):
        yield f"The mark of the move under way of {request_id!r} was removed or edited."
    for _, request_id in sorted(marked - expected):
        yield f"The mark of a move under way of {request_id!r} was written or edited by another than the gate."


def _rejections(connection: Connection) -> Iterator[str]:
    """Compare the rejections of trees with the decisions that they repeat."""
    decided = (
        sa.select(events.c.request_id, events.c.position, events.c.body, requests.c.body.label("request"))
        .join(requests)
        .where(events.c.kind == "decided")
    )
    expected = set()
    for row in connection.execute(decided):
        try:
            event, request = event_from("decided", row.body), request_from(row.request)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Its request says so.
            continue
        if isinstance(event, Decided) and event.choice is Choice.REJECT:
            said = (request.subject.tree_digest, event.person, event.reason, event.at.isoformat())
            expected.add((row.request_id, row.position, *said))
    found = {tuple(row) for row in connection.execute(sa.select(rejections))}
    for request_id, *_ in sorted(expected ^ found):
        yield f"The rejection in {request_id!r} was removed, written or edited by another than the gate."
