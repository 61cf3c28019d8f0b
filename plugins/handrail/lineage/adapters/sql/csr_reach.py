"""Walks large closures in memory: the edges as compressed sparse rows, and newer ones from SQL.

This module is here for one target: the impact of 10^5 nodes within 20 ms, where SQL takes 250 ms. Without that target
it and `epochs.py` can be deleted.

Worth it in a process that stays: a copy is taken at the first large walk, a second or so for a million edges.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.errors import MissingTool
from handrail.lineage.adapters.sql.epochs import begin_epoch, count_recent, is_usable, recent
from handrail.lineage.adapters.sql.recording import lock
from handrail.lineage.adapters.sql.tables import edge, node, node_id
from handrail.lineage.adapters.sql.walks import Tallied, count_kinds
from handrail.lineage.domain.circles import neighbours_of
from handrail.lineage.domain.graph import Direction, Reachable
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

    def next_to(self, places: Any, seen: Any, scratch: Any) -> Any:
        """Return the neighbours of many places that were not seen, each once, in order.

        `scratch` is an int32 array as long as `seen`; its values do not matter.
        """
        begin = self.starts[places]
        lengths = self.starts[places + 1] - begin
        total = int(lengths.sum())
        if not total:
            return np.empty(0, np.int32)
        shift = np.repeat(begin - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        beyond = self.beyond[shift + np.arange(total)]
        beyond = beyond[~seen[beyond]]
        # The last number that is written to a place stays: faster than sorting all of them.
        numbers = np.arange(len(beyond), dtype=np.int32)
        scratch[beyond] = numbers
        return np.sort(beyond[scratch[beyond] == numbers])


@dataclass(frozen=True, slots=True)
class EdgeCopy:
    """The edges at one moment; `ids` are the ids of all nodes that have one, in order: a node's place is its rank.

    `kinds` are the numbers of their kinds in `names`, -1 where it is not known.
    """

    epoch: int
    ids: Ids
    rows: dict[Direction, _Rows]
    kinds: Any
    names: tuple[str, ...]

    @staticmethod
    def of(epoch: int, effects: Ids, causes: Ids, kinds: Iterable[tuple[int, str]] = ()) -> EdgeCopy:
        """Build from edges, two int64 arrays of the same length, and the ids and kinds of nodes."""
        ids, places = np.unique(np.concatenate((effects, causes)), return_inverse=True)
        effect, cause = places[: len(effects)], places[len(effects) :]
        rows = {
            Direction.CAUSES: _Rows.of(effect, cause, len(ids)),
            Direction.EFFECTS: _Rows.of(cause, effect, len(ids)),
        }
        return EdgeCopy(epoch, ids, rows, *_coded(ids, kinds))

    def split(self, nodes: Iterable[int]) -> tuple[Any, list[int]]:
        """Return the places of the nodes that the copy has, and the ids of the others."""
        wanted = np.fromiter(nodes, np.int64)
        if not len(self.ids):
            return np.empty(0, np.int64), wanted.tolist()
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        known = self.ids[places] == wanted
        return places[known], wanted[~known].tolist()


def _coded(ids: Ids, kinds: Iterable[tuple[int, str]]) -> tuple[Any, tuple[str, ...]]:
    numbers: dict[str, int] = {}
    pairs = np.fromiter(
        chain.from_iterable((node, numbers.setdefault(kind, len(numbers))) for node, kind in kinds), np.int64
    ).reshape(-1, 2)
    coded = np.full(len(ids), -1, np.int16)
    if len(ids):
        places = np.minimum(np.searchsorted(ids, pairs[:, 0]), len(ids) - 1)
        known = ids[places] == pairs[:, 0]
        coded[places[known]] = pairs[known, 1]
    return coded, tuple(numbers)


@dataclass(frozen=True, slots=True)
class NewerEdges:
    """The edges that came after a copy: the neighbours of a node's id.

    An edge from a node to itself means that the kind of the node changed.
    """

    count: int
    beyond: Mapping[Direction, Mapping[int, Sequence[int]]]
    renamed: frozenset[int]

    @staticmethod
    def of(count: int, edges: Sequence[tuple[int, int]]) -> NewerEdges:
        """Sort edges (effect, cause) by either end."""
        causes, effects = neighbours_of(edges)
        renamed = frozenset(effect for effect, cause in edges if effect == cause)
        return NewerEdges(count, {Direction.CAUSES: causes, Direction.EFFECTS: effects}, renamed)


class CsrReach:
    """Finds what can be reached in a copy of the edges, made when there is none or too many edges are newer."""

    def __init__(self, store: Store, max_recent: int = MAX_RECENT) -> None:
        """Read edges from `store`; make a new copy when more than `max_recent` edges are newer than the last."""
        self._store = store
        self._max_recent = max_recent
        self._lock = threading.Lock()
        self._state: tuple[EdgeCopy, NewerEdges] | None = None

    def prepare(self) -> None:
        """Make a copy if there is no usable one."""
        with self._lock:
            with self._store.read() as connection:
                if self._state is not None and self._fits(connection, self._state[0]):
                    return
            self._state = (self._take(), NewerEdges.of(0, ()))

    def find(self, connection: Connection, what: Reachable) -> CsrFound | None:
        """Find what can be reached; None if a copy has to be taken first.

        What was committed before the transaction of `connection` began is seen.
        """
        state = self._current(connection)
        return None if state is None else find_in(*state, what)

    def _current(self, connection: Connection) -> tuple[EdgeCopy, NewerEdges] | None:
        state = self._state
        if state is None or not self._fits(connection, state[0]):
            return None
        copy, newer = state
        count = count_recent(connection, copy.epoch)
        if count != newer.count:
            newer = NewerEdges.of(count, recent(connection, copy.epoch))
            self._state = (copy, newer)
        return copy, newer

    def _fits(self, connection: Connection, copy: EdgeCopy) -> bool:
        return is_usable(connection, copy.epoch) and count_recent(connection, copy.epoch) <= self._max_recent

    def _take(self) -> EdgeCopy:
        with self._store.write() as connection:
            lock(connection)
            number = begin_epoch(connection)
        # Edges committed between the two transactions are in both parts, which does no harm.
        with self._store.read() as connection:
            pairs = np.fromiter(chain.from_iterable(_streamed(connection, edge.c.effect, edge.c.cause)), np.int64)
            pairs = pairs.reshape(-1, 2)
            return EdgeCopy.of(number, pairs[:, 0], pairs[:, 1], _streamed(connection, node.c.id, node.c.kind))


def _streamed(connection: Connection, *columns: sa.Column[Any]) -> Iterable[Any]:
    """Return the rows of a table without holding all of them."""
    return connection.execute(sa.select(*columns).execution_options(yield_per=FETCHED))


@dataclass(frozen=True, slots=True)
class CsrFound:
    """What was reached, level by level: places of a copy, and ids of nodes that it lacks."""

    copy: EdgeCopy
    renamed: frozenset[int]
    levels: list[tuple[Any, list[int]]]
    truncated: bool

    def ids(self) -> list[int]:
        """Return all ids, nearest first."""
        ids = self.copy.ids
        return [one for places, outside in self.levels for one in (*ids[places].tolist(), *outside)]

    def among(self, nodes: Collection[int]) -> list[int]:
        """Return those of some nodes that were reached."""
        wanted = np.fromiter(nodes, np.int64)
        inside = np.concatenate([places for places, _ in self.levels])
        outside = [node for _, outside in self.levels for node in outside if node in nodes]
        return [*np.intersect1d(self.copy.ids[inside], wanted).tolist(), *outside]

    def count(self, connection: Connection, kinds: Sequence[str]) -> Tallied:
        """Return how many there are of each kind, and the URIs of those of some `kinds`.

        The kinds of nodes that the copy lacks, or that changed since, are read from SQL.
        """
        places = np.concatenate([places for places, _ in self.levels])
        coded, ids, names = self.copy.kinds[places], self.copy.ids[places], self.copy.names
        wanted = [number for number, name in enumerate(names) if name in kinds]
        unsure = (coded < 0) | np.isin(coded, wanted)
        if self.renamed:
            unsure |= np.isin(ids, np.fromiter(self.renamed, np.int64))
        asked = [*ids[unsure].tolist(), *chain.from_iterable(outside for _, outside in self.levels)]
        counts, uris = count_kinds(connection, asked, kinds)
        numbers = np.bincount(coded[~unsure], minlength=len(names)).tolist()
        counts.update({name: number for name, number in zip(names, numbers, strict=True) if number})
        return counts, uris


def find_in(copy: EdgeCopy, newer: NewerEdges, what: Reachable) -> CsrFound:
    """Find what can be reached over a copy and the edges since, level by level."""
    rows, beyond = copy.rows[what.direction], newer.beyond[what.direction]
    seen, scratch = np.zeros(len(copy.ids), bool), np.empty(len(copy.ids), np.int32)
    seen_outside: set[int] = set()
    turning = np.fromiter(sorted(beyond), np.int64)
    levels: list[tuple[Any, list[int]]] = []
    left = what.max_nodes
    places, outside = copy.split([node_id(what.start)])
    while (len(places) or outside) and not what.is_deep_enough(len(levels)):
        if len(places) + len(outside) > left:
            levels.append((places[:left], outside[: max(left - len(places), 0)]))
            return CsrFound(copy, newer.renamed, levels, truncated=True)
        levels.append((places, outside))
        left -= len(places) + len(outside)
        seen[places] = True
        seen_outside.update(outside)
        ahead = rows.next_to(places, seen, scratch)
        turned = [*outside, *_among(copy.ids[places], beyond, turning)]
        more, new = copy.split({there for node in turned for there in beyond.get(node, ())})
        places = np.unique(np.concatenate((ahead, more[~seen[more]]))) if len(more) else ahead
        outside = [node for node in new if node not in seen_outside]
    return CsrFound(copy, newer.renamed, levels, truncated=False)


def _among(ids: Ids, newer: Mapping[int, Sequence[int]], turning: Ids) -> list[int]:
    """Return the ids that have newer edges."""
    if not len(turning):
        return []
    if len(ids) <= len(turning):
        return [each for each in ids.tolist() if each in newer]
    return list(ids[np.isin(ids, turning)].tolist())
