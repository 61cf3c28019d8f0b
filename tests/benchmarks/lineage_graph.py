"""The graph that lineage's benchmarks ask about, and how it gets into SQLite and PostgreSQL without waiting for ingest.

Sixteen layers, artifacts and activities in turn. A fifth of each layer draws its causes nearby (closures of some
hundreds of nodes), the rest draws them anywhere in the layer before (closures of a tenth of the graph and more).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handrail.bootstrap.feedback import feedback_stores
from handrail.lineage.adapters.sql.tables import MIGRATIONS, node_id
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.storage import Store, migrate, open_store

VERSION = 1
"""Counted up whenever the graph or the tables change, so that no database of before is asked."""
LAYERS = 16
LOCAL_SHARE = 0.2
NEARBY = 2
MEAN_CAUSES = 2.0
DEPLOYMENTS_SHARE = 0.01
HUBS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
KINDS = ("dvc-data", "dvc-stage", "dvc-data", "dvc-stage", "dvc-data", "validation-run", "dvc-data", "dvc-stage") + (
    "dvc-data",
    "dvc-stage",
    "feature-view",
    "dvc-stage",
    "artifact-tree",
    "tracking-run",
    "bento",
    "report-run",
)
DEPLOYMENT_KIND = "deployment"
BATCH = 200_000


@dataclass(frozen=True, slots=True)
class BenchGraph:
    """Edges as two arrays of node numbers; node `n` stands in layer `n // width`, the local ones first."""

    width: int
    local: int
    effects: Any
    causes: Any

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.width * LAYERS

    def deployments(self) -> range:
        """Return the numbers of the deployments: some of the last layer's local nodes, and of its others."""
        last = self.width * (LAYERS - 1)
        every = round(1 / DEPLOYMENTS_SHARE)
        return range(last, last + self.width, every)

    def hubs(self) -> range:
        """Return raw files of the first layer that ever more activities used."""
        return range(self.width - len(HUBS), self.width)

    def kind(self, number: int) -> str:
        """Return the kind of a node."""
        layer, place = divmod(number, self.width)
        if layer == LAYERS - 1 and place % round(1 / DEPLOYMENTS_SHARE) == 0:
            return DEPLOYMENT_KIND
        return KINDS[layer]

    def role(self, number: int) -> Role:
        """Return the role of a node: artifacts and activities in turn."""
        return Role.ACTIVITY if number // self.width % 2 else Role.ARTIFACT

    def verb(self, effect: int) -> Verb:
        """Return the verb of the edges that leave an effect towards its causes."""
        return Verb.USED if effect // self.width % 2 else Verb.GENERATED

    def uri(self, number: int) -> str:
        """Return the name of a node."""
        layer, place = divmod(number, self.width)
        return f"{self.kind(number)}://bench/{layer:02}/{place:08}"


def build(edges: int, seed: int = 7) -> BenchGraph:
    """Return a graph of about `edges` edges, each once; equal arguments give equal graphs."""
    chance = np.random.default_rng(seed)
    width = round(edges / MEAN_CAUSES / (LAYERS - 1))
    local = round(width * LOCAL_SHARE)
    used = chance.integers(local, width, sum(HUBS)) + width
    effects, causes = [used], [np.repeat(np.arange(width - len(HUBS), width), HUBS)]
    for layer in range(1, LAYERS):
        count = chance.integers(1, 2 * int(MEAN_CAUSES), width)
        effect = np.repeat(np.arange(width), count)
        near = (effect + chance.integers(-NEARBY, NEARBY + 1, len(effect))) % local
        far = chance.integers(local, width, len(effect))
        cause = np.where(effect < local, near, far)
        effects.append(layer * width + effect)
        causes.append((layer - 1) * width + cause)
    pairs = np.unique(np.stack([np.concatenate(effects), np.concatenate(causes)], axis=1), axis=0)
    return BenchGraph(width, local, pairs[:, 0], pairs[:, 1])


def tables_of(graph: BenchGraph) -> Iterator[tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]]:
    """Yield the name, the columns and the rows of each table of lineage, in the order of its key."""
    ids = np.fromiter((node_id(graph.uri(n)) for n in range(graph.nodes)), np.int64, graph.nodes)
    ranked = np.argsort(ids)
    columns = ("id", "uri", "role", "kind", "started", "ended")
    yield "lineage_node", columns, (_node_row(graph, ids, int(n)) for n in ranked)
    yield "lineage_attribute", ("node", "name", "value"), ((int(ids[n]), "rows", str(n % 977)) for n in ranked)
    digests = ((int(ids[n]), f"sha256:{n:064x}", "sha256", True) for n in ranked if graph.role(int(n)) is Role.ARTIFACT)
    yield "lineage_digest", ("node", "digest", "algorithm", "standing"), digests
    order = np.lexsort((ids[graph.causes], ids[graph.effects]))
    pairs = list(zip(graph.effects[order].tolist(), graph.causes[order].tolist(), strict=True))
    known = ids.tolist()
    edge_rows = ((known[e], known[c], int(graph.verb(e)), (e + c) % 3 > 0) for e, c in pairs)
    yield "lineage_edge", ("effect", "cause", "verb", "proven"), edge_rows
    columns = ("effect", "cause", "verb", "asserted_by", "effect_digest", "cause_digest", "agreed")
    told = ((known[e], known[c], int(graph.verb(e)), "dvc", "", "", "") for e, c in pairs)
    yield "lineage_statement", columns, told


def _node_row(graph: BenchGraph, ids: Any, number: int) -> tuple[Any, ...]:
    return int(ids[number]), graph.uri(number), int(graph.role(number)), graph.kind(number), None, None


def predictions_of(graph: BenchGraph, count: int) -> Iterator[tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]]:
    """Yield the tables of feedback with `count` predictions, spread over all deployments."""
    deployments = graph.deployments()
    named = ((number + 1, graph.uri(node)) for number, node in enumerate(deployments))
    yield "feedback_deployment", ("id", "uri"), named
    columns = ("seq", "prediction_id", "deployment_id", "subject", "made_at", "score", "label", "features_digest")
    rows = (
        (n + 1, prediction_id(n), n % len(deployments) + 1, f"flight-{n}", n, 0.5, 1, "", "", b"") for n in range(count)
    )
    yield "feedback_prediction", (*columns, "feature_service", "body"), rows


def prediction_id(number: int) -> str:
    """Return the id of a prediction, as long and as scattered as the real ones."""
    scattered = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"
    return f"{scattered[:8]}-{scattered[8:12]}-{scattered[12:16]}-{scattered[16:20]}-{scattered[20:]}"


def fill_sqlite(path: Path, graph: BenchGraph, predictions: int) -> None:
    """Make a store of its own at `path`, and fill it as one transaction."""
    make_tables(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -400000")
    with connection:
        for name, columns, rows in (*tables_of(graph), *predictions_of(graph, predictions)):
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"insert into {name} ({', '.join(columns)}) values ({marks})", rows)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def fill_postgresql(url: str, graph: BenchGraph, predictions: int) -> None:
    """Make the tables in the schema that `url` names, and fill them by COPY."""
    store = make_tables(url)
    raw = store.engine.raw_connection()
    with raw.cursor() as cursor:
        for name, columns, rows in (*tables_of(graph), *predictions_of(graph, predictions)):
            with cursor.copy(f"copy {name} ({', '.join(columns)}) from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
    raw.commit()
    raw.driver_connection.autocommit = True
    raw.driver_connection.execute("vacuum analyze")
    raw.close()
    store.close()


def make_tables(url: str) -> Store:
    """Open the store at `url`, its tables up to date."""
    store = open_store(url)
    migrate(store, "lineage", MIGRATIONS)
    feedback_stores(store)
    return store
