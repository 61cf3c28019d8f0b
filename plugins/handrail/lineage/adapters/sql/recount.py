"""Holds every row of the graph against the events that it was made from; each row has to follow from them.

Where the digests of one thing contradict one another, which of them was first is not in the events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.columns import row_of
from handrail.lineage.adapters.sql.events import OURSELVES
from handrail.lineage.adapters.sql.replay import ReadEvent, Replayed, replay
from handrail.lineage.adapters.sql.tables import (
    StatementRow,
    attribute,
    column,
    digest,
    edge,
    node,
    node_id,
    outbox,
    run,
    sender,
    statement,
    to_text,
)
from handrail.lineage.domain.events import run_uri
from handrail.lineage.domain.facts import NodeFact, Statement
from handrail.lineage.domain.flaws import Flaw
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.storage import Store

LEFT_OUT = "left_out"
"""The attribute under which an edge is kept that closed a circle: the store adds it, not an event."""
_NO_EVENT, _NOT_STORED = "no event says so", "an event says so, and it is not stored"


def differences(store: Store, read_event: ReadEvent) -> tuple[Flaw, ...]:
    """Return a flaw for everything stored that no event says, and for everything that one says and is not stored."""
    with store.read() as connection:
        found = replay(connection, read_event)
        names = {row.id: row.uri for row in connection.execute(sa.select(node.c.id, node.c.uri))}
        stored = {StatementRow(*row) for row in connection.execute(sa.select(statement))}
        return (
            *found.flaws,
            *_nodes(connection, found.nodes),
            *_attributes(connection, found.nodes, names),
            *_statements(connection, found, stored, names),
            *_columns(connection, found, names),
            *_proofs(connection, stored, names),
            *_digests(connection, stored, names),
            *_runs(connection, found),
            *_queue(connection, found),
            *_senders(connection),
        )


def _nodes(connection: Connection, expected: Mapping[str, NodeFact]) -> Iterator[Flaw]:
    missing = dict(expected)
    for row in connection.execute(sa.select(node)):
        fact = missing.pop(row.uri, None)
        if fact is None:
            # An agent with whom nothing is associated is in no event.
            if row.role != Role.AGENT:
                yield Flaw("changed-node", row.uri, _NO_EVENT)
            continue
        due = (int(fact.role), fact.kind, to_text(fact.started), to_text(fact.ended))
        if (row.role, row.kind, row.started, row.ended) != due:
            yield Flaw("changed-node", row.uri, "its role, kind or times are not those of the events")
    yield from (Flaw("changed-node", uri, _NOT_STORED) for uri in missing)


def _attributes(connection: Connection, nodes: Mapping[str, NodeFact], names: Mapping[int, str]) -> Iterator[Flaw]:
    due = {(node_id(fact.uri), *pair) for fact in nodes.values() for pair in fact.attributes}
    stored = {tuple(row) for row in connection.execute(sa.select(attribute)) if row.name != LEFT_OUT}
    for said, rows in ((_NO_EVENT, stored - due), (_NOT_STORED, due - stored)):
        yield from (
            Flaw("changed-attribute", names.get(one, f"node {one}"), f"{name} is {value!r}: {said}")
            for one, name, value in rows
        )


def _statements(
    connection: Connection, found: Replayed, stored: set[StatementRow], names: Mapping[int, str]
) -> Iterator[Flaw]:
    due = {_row(each): each for each in found.statements}
    left_out = _left_out(connection)
    for row in stored - due.keys():
        yield Flaw("changed-statement", names.get(row.effect, f"node {row.effect}"), f"{row.asserted_by}: {_NO_EVENT}")
    for row in due.keys() - stored:
        each = due[row]
        if not _names(each) & left_out:
            yield Flaw("changed-statement", each.effect, f"{each.asserted_by}: {each.sentence}: {_NOT_STORED}")


def _columns(connection: Connection, found: Replayed, names: Mapping[int, str]) -> Iterator[Flaw]:
    due = {row_of(each) for each in found.columns}
    stored = {tuple(row) for row in connection.execute(sa.select(column))}
    for said, rows in ((_NO_EVENT, stored - due), (_NOT_STORED, due - stored)):
        yield from (
            Flaw("changed-column", names.get(effect, f"node {effect}"), f"what {name or 'it'} came from: {said}")
            for _, effect, name, *_ in rows
        )


def _proofs(connection: Connection, stored: Iterable[StatementRow], names: Mapping[int, str]) -> Iterator[Flaw]:
    made = {(each.effect, each.effect_digest) for each in stored if each.effect_digest}
    taken = {(each.cause, each.cause_digest) for each in stored if each.cause_digest}
    proven = {each.edge for each in stored if each.agreed or _agrees(each, made & taken)}
    for row in connection.execute(sa.select(edge)):
        if bool(row.proven) != ((row.effect, row.cause, row.verb) in proven):
            word = "proven" if row.proven else "asserted"
            detail = f"its edge to {names.get(row.cause, row.cause)} is {word}, and its digests say otherwise"
            yield Flaw("changed-proof", names.get(row.effect, f"node {row.effect}"), detail)


def _agrees(each: StatementRow, matching: set[tuple[int, str]]) -> bool:
    if each.verb == Verb.GENERATED:
        return (each.effect, each.effect_digest) in matching
    return (each.cause, each.cause_digest) in matching


def _digests(connection: Connection, stored: Iterable[StatementRow], names: Mapping[int, str]) -> Iterator[Flaw]:
    due = {(each.effect, each.effect_digest) for each in stored if each.effect_digest}
    due |= {(each.cause, each.cause_digest) for each in stored if each.cause_digest}
    rows = connection.execute(sa.select(digest)).all()
    used = Counter((row.node, row.algorithm) for row in rows if row.standing)
    wrong = {row.node for row in rows if row.algorithm != row.digest.partition(":")[0]}
    wrong |= {row.node for row in rows if used[row.node, row.algorithm] != 1}
    wrong |= {one for one, _ in due ^ {(row.node, row.digest) for row in rows}}
    for one in sorted(wrong):
        yield Flaw("changed-digest", names.get(one, f"node {one}"), "its digests are not those that were stated")


def _runs(connection: Connection, found: Replayed) -> Iterator[Flaw]:
    stored = {row.run_id: tuple(row[1:]) for row in connection.execute(sa.select(run))}
    for run_id in stored.keys() | found.runs.keys():
        if stored.get(run_id) != found.runs.get(run_id):
            yield Flaw("changed-run", run_uri(run_id), "its job, state or times are not those of the events")


def _queue(connection: Connection, found: Replayed) -> Iterator[Flaw]:
    for row in connection.execute(sa.select(outbox)):
        due = found.queued.get(row.event_id)
        if due is not None and (row.event_time, row.state_rank, row.stream) != due:
            yield Flaw("changed-queue", f"event {row.event_id}", f"it waits for {row.sink} under another time or run")


def _senders(connection: Connection) -> Iterator[Flaw]:
    for row in connection.execute(sa.select(sender)):
        if row.sender != OURSELVES and not row.sender.startswith("actor://"):
            yield Flaw("changed-sender", f"event {row.event_id}", f"{row.sender!r} cannot send events")


def _left_out(connection: Connection) -> set[tuple[int, str]]:
    """Return the edges that were left out because they closed a circle, each by a node and what it says of it."""
    return {(row.node, row.value) for row in connection.execute(sa.select(attribute)) if row.name == LEFT_OUT}


def _names(each: Statement) -> set[tuple[int, str]]:
    ends = ((each.effect, each.cause), (each.cause, each.effect))
    return {(node_id(one), f"{each.verb.word} {other}") for one, other in ends}


def _row(each: Statement) -> StatementRow:
    return StatementRow(
        node_id(each.effect),
        node_id(each.cause),
        int(each.verb),
        each.asserted_by,
        each.effect_digest,
        each.cause_digest,
        each.agreed,
    )
