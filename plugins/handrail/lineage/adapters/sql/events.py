"""Stores events, their facts, their runs and what is to be forwarded in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.left_out import read_left_out
from handrail.lineage.adapters.sql.recording import lock, record
from handrail.lineage.adapters.sql.tables import event, outbox, run, sender, to_text
from handrail.lineage.domain.events import LineageEvent, describe_event
from handrail.lineage.domain.facts import Facts
from handrail.lineage.ports import EventLog, Stored
from handrail.storage import Store
from handrail.storage.bulk import TEXT, insert, read

OURSELVES = "handrail"
_HELD = """
select e.event_id, s.sender from {given} cross join lineage_event e
left join lineage_event_sender s on s.event_id = e.event_id and s.sender = {p} where e.event_id = g.a
"""
_WIDEN = """(run_id) do update set
job = {least}(lineage_run.job, excluded.job),
state_rank = {greatest}(lineage_run.state_rank, excluded.state_rank),
started = coalesce({least}(lineage_run.started, excluded.started), lineage_run.started, excluded.started),
ended = coalesce({greatest}(lineage_run.ended, excluded.ended), lineage_run.ended, excluded.ended)
"""


class RunRow(NamedTuple):
    """A row of `lineage_run`; moments are texts that sort as they do."""

    run_id: str
    job: str
    state_rank: int
    started: str | None
    ended: str | None


class SqlEvents(EventLog):
    """The event log."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> Stored:
        """Store events and what follows from them, durably, all or none."""
        given = {each.event_id: each for each in events}
        # Equal facts are made and merged before the one writer's lock is taken.
        facts = {key: describe_event(each, sender) for key, each in given.items()}
        with self._store.write() as connection:
            lock(connection)
            held = _held(connection, given, sender)
            unsent = [given[key] for key in sorted(given) if not held.get(key)]
            if unsent:
                record(connection, Facts.union(facts[each.event_id] for each in unsent), leaving_out=True)
                insert(connection, run, _runs(unsent), _WIDEN)
                _store(connection, unsent, sender, sinks, held.keys())
            owners = {key: {uri for each in stated.statements for uri in each.owners} for key, stated in facts.items()}
            left_out = read_left_out(connection, [*set[str]().union(*owners.values())])
        return Stored(
            frozenset(given.keys() - held.keys()),
            {
                key: tuple(edge for uri in sorted(uris & left_out.keys()) for edge in left_out[uri])
                for key, uris in owners.items()
                if uris & left_out.keys()
            },
        )


def store_events(connection: Connection, events: Sequence[LineageEvent], source: str, sinks: Sequence[str]) -> None:
    """Store events and their source, and queue new ones for each sink."""
    given = {each.event_id: each for each in events}
    held = _held(connection, given, source)
    _store(connection, [given[key] for key in sorted(given) if not held.get(key)], source, sinks, held.keys())


def _held(connection: Connection, given: Iterable[str], source: str) -> dict[str, bool]:
    """Return the ids of events that are stored, and whether that source sent them."""
    return {row[0]: row[1] is not None for row in read(connection, _HELD, [*given], TEXT, more=(source,))}


def _store(
    connection: Connection,
    events: Sequence[LineageEvent],
    source: str,
    sinks: Sequence[str],
    held: Iterable[str],
) -> None:
    new = [each for each in events if each.event_id not in held]
    moments = {each.event_id: to_text(each.time) for each in new}
    insert(connection, sender, [(each.event_id, source) for each in events])
    insert(connection, event, [(each.event_id, moments[each.event_id], each.producer, each.body) for each in new])
    queued = [(moments[each.event_id], each.rank, each.event_id, each.stream, None) for each in new] if sinks else []
    insert(connection, outbox, [(sink, *row) for sink in sinks for row in queued])


def _runs(events: Iterable[LineageEvent]) -> list[RunRow]:
    found: dict[str, RunRow] = {}
    for each in events:
        if each.own_run is None:
            continue
        given, job = each.own_run
        row = RunRow(given.run_id, job.uri, given.state.rank, to_text(each.started), to_text(each.ended))
        found[row.run_id] = _unite(found.get(row.run_id, row), row)
    return [found[key] for key in sorted(found)]


def _unite(one: RunRow, other: RunRow) -> RunRow:
    """Return what two rows say of one run. Commutative, associative and idempotent, hence free of order."""
    return RunRow(
        one.run_id,
        min(one.job, other.job),
        max(one.state_rank, other.state_rank),
        min(filter(None, (one.started, other.started)), default=None),
        max(filter(None, (one.ended, other.ended)), default=None),
    )
