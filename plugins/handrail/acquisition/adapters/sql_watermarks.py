"""Watermarks in SQL: SQLite or PostgreSQL, in the database of the row store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from handrail.acquisition.adapters.sql_row_store import micros, moment
from handrail.acquisition.ports import Moments, Watermarks
from handrail.storage import Store
from handrail.storage.bulk import insert, read

_online = sa.Table(
    "acquisition_online",
    sa.MetaData(),
    *(sa.Column(name, sa.Text, primary_key=True) for name in ("place", "thing")),
    *(sa.Column(name, sa.BigInteger) for name in ("known_at", "came_at")),
)
NOTED = """
    select o.thing, o.known_at, o.came_at from {given} cross join acquisition_online o
    where o.place = {p} and o.thing = g.a
"""
LATER = """(place, thing) do update set known_at = excluded.known_at, came_at = excluded.came_at
    where (acquisition_online.known_at, acquisition_online.came_at) < (excluded.known_at, excluded.came_at)
"""


class SqlWatermarks(Watermarks):
    """A row for each thing of each place."""

    def __init__(self, store: Store) -> None:
        """Use a store with the tables of acquisition."""
        self._store = store

    def noted(self, place: str, things: Sequence[str]) -> Mapping[str, Moments]:
        """Look them up by key."""
        wanted = list(dict.fromkeys(things))
        with self._store.read() as connection:
            found = read(connection, NOTED, wanted, "text", more=(place,))
        return {thing: (moment(known_at), moment(came_at)) for thing, known_at, came_at in found}

    def note(self, place: str, moments: Mapping[str, Moments]) -> None:
        """Insert, or replace what is earlier."""
        rows = [(place, thing, micros(known), micros(came)) for thing, (known, came) in moments.items()]
        with self._store.write() as connection:
            insert(connection, _online, rows, LATER)
