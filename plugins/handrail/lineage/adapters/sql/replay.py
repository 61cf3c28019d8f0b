"""Reads every stored event again and merges what follows from them: the graph and the runs as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.errors import HandrailError
from handrail.lineage.adapters.sql.events import OURSELVES
from handrail.lineage.adapters.sql.tables import event, sender, to_text
from handrail.lineage.domain.contents import EventContent, facts_of, merge_nodes
from handrail.lineage.domain.events import LineageEvent, describe_event
from handrail.lineage.domain.facts import ColumnFact, Facts, NodeFact, Statement
from handrail.lineage.domain.flaws import Flaw

FETCHED = 1_000
_OWN_FACETS = ("handrail_activity", "handrail_derivation")
ReadEvent = Callable[[object, str], LineageEvent]
RunFields = tuple[str, int, str | None, str | None]
"""(job, state_rank, started, ended) of a row of `lineage_run`."""


@dataclass(slots=True)
class Replayed:
    """What follows from all events: nodes by URI, statements, columns, runs by id, the queue by event, and flaws."""

    nodes: dict[str, NodeFact] = field(default_factory=dict)
    statements: set[Statement] = field(default_factory=set)
    columns: set[ColumnFact] = field(default_factory=set)
    runs: dict[str, RunFields] = field(default_factory=dict)
    queued: dict[str, tuple[str | None, int, str]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)


def replay(connection: Connection, read_event: ReadEvent) -> Replayed:
    """Read all events, each with its senders; memory grows with the graph."""
    found = Replayed()
    for row in _events(connection):
        subject = f"event {row.event_id}"
        try:
            document = json.loads(row.body)
            read = read_event(document, "")
        except (ValueError, HandrailError) as err:
            found.flaws.append(Flaw("unreadable-event", subject, str(err)))
            continue
        if (row.event_time, row.producer) != (to_text(read.time), read.producer):
            found.flaws.append(Flaw("changed-event", subject, "its time or producer is not the one in its body"))
        found.queued[row.event_id] = (to_text(read.time), read.rank, read.stream)
        if row.sender is not None:
            _merge(found, read, _facts(read, row.sender, document))
    return found


def _events(connection: Connection) -> Iterator[Any]:
    columns = (event.c.event_id, event.c.event_time, event.c.producer, event.c.body, sender.c.sender)
    joined = sa.select(*columns).join_from(event, sender, sender.c.event_id == event.c.event_id, isouter=True)
    return iter(connection.execute(joined.execution_options(yield_per=FETCHED)))


def _facts(read: LineageEvent, source: str, document: Mapping[str, Any]) -> Facts:
    """Return what an event says; one of our own names the tool that it speaks for."""
    if source != OURSELVES:
        return describe_event(read, source)
    if read.content is None:
        return facts_of(EventContent(outputs=tuple(each.end for each in read.datasets)), source)
    facets = document["run"]["facets"]
    return facts_of(read.content, next(facets[name].get("assertedBy", "") for name in _OWN_FACETS if name in facets))


def _merge(found: Replayed, read: LineageEvent, facts: Facts) -> None:
    for uri, given in _by_uri(facts.nodes).items():
        held = found.nodes.get(uri)
        found.nodes[uri] = merge_nodes([given] if held is None else [held, given])[0]
    found.statements |= facts.statements
    found.columns |= facts.columns
    if read.own_run is not None:
        run, job = read.own_run
        fields = (job.uri, run.state.rank, to_text(read.started), to_text(read.ended))
        found.runs[run.run_id] = _unite(found.runs.get(run.run_id, fields), fields)


def _by_uri(nodes: Iterable[NodeFact]) -> dict[str, NodeFact]:
    return {node.uri: node for node in merge_nodes(nodes)}


def _unite(one: RunFields, other: RunFields) -> RunFields:
    started = min(filter(None, (one[2], other[2])), default=None)
    ended = max(filter(None, (one[3], other[3])), default=None)
    return min(one[0], other[0]), max(one[1], other[1]), started, ended
