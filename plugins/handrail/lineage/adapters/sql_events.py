"""Keeps events, what they say of the graph and of runs, and what is to be forwarded: one transaction for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql_recording import lock, record
from handrail.lineage.adapters.tables import chunks, event, insert_missing, outbox, run, sender, to_text
from handrail.lineage.domain import Facts, LineageEvent, Receipt, RunState, describe_event
from handrail.storage import Store

OURSELVES = "handrail"
Row = dict[str, Any]


class SqlEvents:
    """The event log."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> Receipt:
        """Keep events and what follows from them; durably, all or none."""
        given = {each.event_id: each for each in events}
        with self._store.write() as connection:
            lock(connection)
            told = _without(given, _held(connection, _told_by(sender), given))
            if told:
                record(connection, Facts.union(describe_event(each, sender) for each in told))
                _unite_runs(connection, _runs(told))
            new = keep_events(connection, told, sender, sinks)
        return Receipt(new, len(events) - new)


def keep_events(connection: Connection, told: Sequence[LineageEvent], teller: str, sinks: Sequence[str]) -> int:
    """Keep events and who told them, queue those that nobody told before for each sink, and return their number."""
    given = {each.event_id: each for each in told}
    insert_missing(connection, sender, [{"event_id": key, "sender": teller} for key in sorted(given)])
    new = _without(given, _held(connection, sa.select(event.c.event_id), given))
    insert_missing(connection, event, [_event_row(each) for each in new])
    insert_missing(connection, outbox, [_queued(each, sink) for each in new for sink in sinks])
    return len(new)


def _told_by(teller: str) -> sa.Select[Any]:
    return sa.select(sender.c.event_id).where(sender.c.sender == teller)


def _held(connection: Connection, query: sa.Select[Any], given: Iterable[str]) -> set[str]:
    (column,) = query.selected_columns
    return {
        found for part in chunks(sorted(given)) for found in connection.execute(query.where(column.in_(part))).scalars()
    }


def _without(given: dict[str, LineageEvent], held: set[str]) -> list[LineageEvent]:
    return [given[key] for key in sorted(given.keys() - held)]


def _event_row(each: LineageEvent) -> Row:
    return {
        "event_id": each.event_id,
        "event_time": to_text(each.time),
        "producer": each.producer,
        "body": each.body,
    }


def _queued(each: LineageEvent, sink: str) -> Row:
    return {
        "sink": sink,
        "event_time": to_text(each.time),
        "state_rank": each.rank,
        "event_id": each.event_id,
        "stream": each.stream,
        "refused": None,
    }


def _runs(events: Iterable[LineageEvent]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for each in events:
        if each.run is None or each.job is None:
            continue
        row = {
            "run_id": each.run.run_id,
            "job": each.job.uri,
            "state_rank": each.run.state.rank,
            "started": to_text(each.time) if each.run.state is RunState.START else None,
            "ended": to_text(each.time) if each.run.state.is_final else None,
        }
        found[each.run.run_id] = _unite(found.get(each.run.run_id, row), row)
    return found


def _unite(one: Row, other: Row) -> Row:
    """Return what two rows say of one run. Commutative, associative and idempotent, hence free of order."""
    return {
        "run_id": one["run_id"],
        "job": min(one["job"], other["job"]),
        "state_rank": max(one["state_rank"], other["state_rank"]),
        "started": min(filter(None, (one["started"], other["started"])), default=None),
        "ended": max(filter(None, (one["ended"], other["ended"])), default=None),
    }


def _unite_runs(connection: Connection, given: dict[str, Row]) -> None:
    held: dict[str, Row] = {}
    for part in chunks(sorted(given)):
        for found in connection.execute(sa.select(run).where(run.c.run_id.in_(part))).mappings():
            held[found["run_id"]] = dict(found)
    insert_missing(connection, run, [given[key] for key in sorted(given.keys() - held.keys())])
    for key, before in sorted(held.items()):
        after = _unite(before, given[key])
        if after != before:
            connection.execute(run.update().where(run.c.run_id == key).values(after))
