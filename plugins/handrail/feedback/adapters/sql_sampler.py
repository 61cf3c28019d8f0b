"""Reads a sample of the log by sequence numbers: as many rows, and as long, however large the log is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import sqlalchemy as sa

from handrail.feedback.adapters.sql_log_reader import addressed_row
from handrail.feedback.adapters.sql_predictions import COUNTS, fetch_rivals
from handrail.feedback.adapters.sql_tables import arrival, prediction
from handrail.feedback.domain.addresses import AddressedRow, resolve
from handrail.feedback.domain.samples import Look, Sampled
from handrail.feedback.domain.values import EPOCH, microseconds
from handrail.feedback.ports import Sampler
from handrail.storage import Store
from handrail.storage.bulk import ID, TEXT, read

_PREDICTIONS = """select prediction_id, subject, uri, made_at, score, label, latency_ms,
    variant, propensity, sampled
from {given} cross join feedback_prediction prediction, feedback_deployment deployment
where seq = g.a and deployment_id = deployment.id and made_at <= {p}"""
_EVENTS = """select event.prediction_id, revision, occurred_at, event_id, value, item, received_at
from {given} cross join feedback_event event where event.prediction_id = g.a and kind = {p}"""
_ADDRESSED = """select subject, service, since, until, occurred_at, revision, event_id, value, item, received_at
from {given} cross join feedback_event event where event.subject = g.a and event.subject <> '' and kind = {p}"""
MOST_TRIED = 8
"""How many sequence numbers are tried at most for each row that is wanted."""
_EARLIER = """select arrival.event_id, min(arrival.received_at)
from {given} cross join feedback_arrival arrival where arrival.event_id = g.a group by arrival.event_id"""


class SqlSampler(Sampler):
    """A sample of both logs, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sample(self, look: Look) -> Sampled:
        """Return every prediction of the look if there are few, else about `look.most`, spread evenly."""
        as_of = microseconds(look.as_of)
        with self._store.read() as connection:
            picks, step, total = _chosen(connection, look)
            rows = read(connection, _PREDICTIONS, picks, ID, more=(as_of,))
            if look.deployments is not None:
                rows = [row for row in rows if row[2] in look.deployments]
            events = read(connection, _EVENTS, [row[0] for row in rows], TEXT, more=(look.kind,))
            by_key = [
                (addressed_row(row), row[-1])
                for row in read(connection, _ADDRESSED, sorted({row[1] for row in rows}), TEXT, more=(look.kind,))
            ]
            events = [*events, *_resolved(connection, rows, by_key, look)]
            earlier: dict[str, int] = {}
            if connection.execute(sa.select(sa.exists().select_from(arrival))).scalar_one():
                earlier = dict(read(connection, _EARLIER, [event[3] for event in events], TEXT))  # type: ignore[arg-type]
        arrived = [min(event[6], earlier.get(event[3], event[6])) for event in events]
        known = [(tuple(event[:6]), at) for event, at in zip(events, arrived, strict=True) if at <= as_of]
        # The driver's rows are tuples of these very types.
        return Sampled([tuple(row) for row in rows], [one for one, _ in known], [at for _, at in known], total, step)


def _resolved(
    connection: sa.Connection, rows: Sequence[Any], by_key: Sequence[tuple[AddressedRow, int]], look: Look
) -> Iterator[tuple[Any, ...]]:
    """Yield the events that name a subject as those about a sampled prediction, each with when it was received."""
    if not by_key:
        return
    sampled, received = {row[0] for row in rows}, {row.event_id: at for row, at in by_key}
    subjects = sorted({row.address.subject for row, _ in by_key})
    rivals = fetch_rivals(connection, subjects, microseconds(look.as_of))
    for name, row in resolve((row for row, _ in by_key), rivals, look.matching):
        if name in sampled:
            yield (*row.about(name), received[row.event_id])


def _chosen(connection: sa.Connection, look: Look) -> tuple[list[int], int, int | None]:
    """Return the sequence numbers to read, how many rows each represents, and how many predictions were made by then.

    Whatever lies outside of the look is passed over, so that a short past or a small model is read as closely.
    """
    made, seq = prediction.c.made_at, prediction.c.seq
    total = fitting = connection.execute(sa.select(sa.func.count()).where(made <= look.as_of)).scalar_one()
    if look.deployments is not None:
        fitting = min(total, sum(row[1] for row in read(connection, COUNTS, look.deployments, TEXT)))
    ends = [sa.select(end(seq)) for end in (sa.func.min, sa.func.max)]
    if (connection.execute(sa.select(sa.func.max(made))).scalar() or EPOCH) > look.as_of:
        # Adding 0 keeps SQLite from walking the table by `seq` until the first that fits.
        ends = [sa.select(end(seq + 0)).where(made <= look.as_of) for end in (sa.func.min, sa.func.max)]
    lowest, highest = (connection.execute(end).scalar() for end in ends)
    picks, step = _picks(lowest or 0, highest or 0, fitting, look)
    return picks, step, total if look.deployments is None else None


def _picks(lowest: int, highest: int, fitting: int, look: Look) -> tuple[list[int], int]:
    """Return sequence numbers evenly over a part of the log, one at a random place of each step, of which some fit.

    They are the same ones each time, until the log grows.
    """
    step = max(look.step(fitting), -(-(highest - lowest + 1) // (look.most * MOST_TRIED)))
    if step == 1:
        return list(range(lowest, highest + 1)), 1
    draw = Random(highest)
    return [at + draw.randrange(step) for at in range(lowest, highest + 1, step)], step
