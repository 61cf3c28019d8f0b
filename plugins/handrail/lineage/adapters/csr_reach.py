"""Walks large closures in memory: the edges as compressed sparse rows, and those that came since from SQL.

Worth it in a process that stays: a snapshot is taken at the first large walk, a second or so for a million edges.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.errors import MissingTool
from handrail.lineage.adapters.sql_epochs import begin_epoch, count_recent, is_usable, recent
from handrail.lineage.adapters.sql_recording import lock
from handrail.lineage.adapters.tables import edge
from handrail.lineage.domain import Direction
from handrail.storage import Store

try:
    import numpy as np
except ImportError as err:
    raise MissingTool("numpy", "server") from err

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

MAX_RECENT = 20_000
FETCHED = 50_000


@dataclass(frozen=True, slots=True)
class _Rows:
    """Compressed sparse rows: the neighbours of place p are `beyond[starts[p]:starts[p + 1]]`, int32 places."""

    starts: Any
    beyond: Any

    @staticmethod
    def of(here: Any, there: Any, size: int) -> _Rows:
        order = np.argsort(here, kind="stable")
        starts = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(here, minlength=size), out=starts[1:])
        return _Rows(starts, there[order].astype(np.int32))

    def next_to(self, places: Any, seen: Any) -> Any:
        """Return the neighbours of many places that were not seen, each once."""
        begin = self.starts[places]
        lengths = self.starts[places + 1] - begin
        total = int(lengths.sum())
        if not total:
            return np.empty(0, np.int32)
        shift = np.repeat(begin - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        beyond = self.beyond[shift + np.arange(total)]
        return np.unique(beyond[~seen[beyond]])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The edges at one moment; `ids` are the ids of all nodes that have one, in order: a node's place is its rank."""

    epoch: int
    ids: Ids
    rows: dict[Direction, _Rows]

    @staticmethod
    def of(epoch: int, effects: Ids, causes: Ids) -> Snapshot:
        """Build from edges: two int64 arrays of the same length."""
        ids, places = np.unique(np.concatenate((effects, causes)), return_inverse=True)
        effect, cause = places[: len(effects)], places[len(effects) :]
        rows = {
            Direction.CAUSES: _Rows.of(effect, cause, len(ids)),
            Direction.EFFECTS: _Rows.of(cause, effect, len(ids)),
        }
        return Snapshot(epoch, ids, rows)

    def split(self, nodes: Iterable[int]) -> tuple[Any, list[int]]:
        """Return the places of the nodes that the snapshot has, and the ids of the others."""
        wanted = np.fromiter(nodes, np.int64)
        if not len(self.ids):
            return np.empty(0, np.int64), wanted.tolist()
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        known = self.ids[places] == wanted
        return places[known], wanted[~known].tolist()


@dataclass(frozen=True, slots=True)
class _Newer:
    """The edges that came after a snapshot: the neighbours of a node's id."""

    count: int = 0
    beyond: dict[Direction, dict[int, list[int]]] = field(default_factory=dict)

    @staticmethod
    def of(count: int, edges: Sequence[tuple[int, int]]) -> _Newer:
        causes: dict[int, list[int]] = defaultdict(list)
        effects: dict[int, list[int]] = defaultdict(list)
        for effect, cause in edges:
            causes[effect].append(cause)
            effects[cause].append(effect)
        return _Newer(count, {Direction.CAUSES: dict(causes), Direction.EFFECTS: dict(effects)})


class CsrReach:
    """Finds what can be reached, over a snapshot that it takes when there is none or too much came since."""

    def __init__(self, store: Store, max_recent: int = MAX_RECENT) -> None:
        """Read edges from `store`; take a new snapshot when more than `max_recent` edges came since the last."""
        self._store = store
        self._max_recent = max_recent
        self._lock = threading.Lock()
        self._state: tuple[Snapshot, _Newer] | None = None

    def prepare(self) -> None:
        """Take a snapshot if there is none that can be used."""
        with self._lock:
            with self._store.read() as connection:
                if self._state is not None and self._fits(connection, self._state[0]):
                    return
            self._state = (self._take(), _Newer.of(0, ()))

    def reach(self, connection: Connection, start: int, direction: Direction, most: int) -> list[int] | None:
        """Return up to `most` ids reachable from a node's id, itself first; None if a snapshot has to be taken first.

        What was committed before the transaction of `connection` began is seen.
        """
        state = self._state
        if state is None or not self._fits(connection, state[0]):
            return None
        snapshot, newer = state
        count = count_recent(connection, snapshot.epoch)
        if count != newer.count:
            newer = _Newer.of(count, recent(connection, snapshot.epoch))
            self._state = (snapshot, newer)
        return reach_in(snapshot, newer.beyond[direction], direction, start, most)

    def _fits(self, connection: Connection, snapshot: Snapshot) -> bool:
        return is_usable(connection, snapshot.epoch) and count_recent(connection, snapshot.epoch) <= self._max_recent

    def _take(self) -> Snapshot:
        with self._store.write() as connection:
            lock(connection)
            number = begin_epoch(connection)
        # Edges committed between the two transactions are in both parts, which does no harm.
        with self._store.read() as connection:
            query = sa.select(edge.c.effect, edge.c.cause).execution_options(yield_per=FETCHED)
            parts = [
                np.array([tuple(row) for row in part], np.int64) for part in connection.execute(query).partitions()
            ]
        pairs = np.concatenate(parts) if parts else np.empty((0, 2), np.int64)
        return Snapshot.of(number, pairs[:, 0], pairs[:, 1])


def reach_in(snapshot: Snapshot, newer: dict[int, list[int]], direction: Direction, start: int, most: int) -> list[int]:
    """Return up to `most` ids reachable from the id `start`, level by level, over a snapshot and the edges since."""
    rows = snapshot.rows[direction]
    seen = np.zeros(len(snapshot.ids), bool)
    seen_outside: set[int] = set()
    turning = np.fromiter(sorted(newer), np.int64)
    found: list[int] = []
    places, outside = snapshot.split([start])
    while (len(places) or outside) and len(found) < most:
        seen[places] = True
        seen_outside.update(outside)
        ids = snapshot.ids[places]
        found += ids.tolist()
        found += outside
        ahead = rows.next_to(places, seen)
        turned = [*outside, *_among(ids, newer, turning)]
        more, new = snapshot.split({there for node in turned for there in newer.get(node, ())})
        places = np.unique(np.concatenate((ahead, more[~seen[more]]))) if len(more) else ahead
        outside = [node for node in new if node not in seen_outside]
    return found[:most]


def _among(ids: Ids, newer: dict[int, list[int]], turning: Ids) -> list[int]:
    """Return the ids that have newer edges."""
    if not len(turning):
        return []
    if len(ids) <= len(turning):
        return [each for each in ids.tolist() if each in newer]
    return list(ids[np.isin(ids, turning)].tolist())
