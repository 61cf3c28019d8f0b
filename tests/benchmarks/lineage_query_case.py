"""One side of the lineage benchmark in a process of its own: asks every question it can, prints one JSON object."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from handrail.bootstrap.feedback import feedback_stores
from handrail.bootstrap.lineage import FeedbackPredictions
from handrail.feedback.service import FeedbackLog
from handrail.lineage.adapters.sql.csr_reach import CsrReach
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.adapters.sql.reach import reach
from handrail.lineage.adapters.sql.tables import node_id
from handrail.lineage.domain.answers import ENDS
from handrail.lineage.domain.graph import Direction, Reachable
from handrail.lineage.domain.vocabulary import Role
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from handrail.storage import Store, open_store
from tests.benchmarks import lineage_peers as peers
from tests.benchmarks.lineage_graph import BenchGraph, build, prediction_id

STARTS = 200
SHARED = 20
"""How many starts the slowest peer is asked; all sides' answers to these have to be equal."""
PREDICTIONS = 1_000_000
IMPACT = 100_000
IMPACTS = 3
MARQUEZ_DEPTH = 6
MOST = 10_000_000
Timed = dict[str, Any]


def timed(ask: Callable[[Any], Any], asked: Sequence[Any], warm_up: int = 5) -> Timed:
    """Ask each in turn; return the median and the 99th percentile in milliseconds, and of the CPU the median."""
    for each in asked[:warm_up]:
        ask(each)
    walls, cpus = [], []
    for each in asked:
        began, cpu = time.perf_counter(), time.process_time()
        ask(each)
        walls.append((time.perf_counter() - began) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    walls.sort()
    return {"p50": walls[len(walls) // 2], "p99": walls[len(walls) * 99 // 100], "cpu": sorted(cpus)[len(cpus) // 2]}


def digest(answers: Iterable[Iterable[str]]) -> str:
    """Return a number that is equal for equal answers."""
    return hashlib.sha256("\n".join(",".join(sorted(answer)) for answer in answers).encode()).hexdigest()[:16]


def local_starts(graph: BenchGraph) -> list[int]:
    """Return deployments with closures of some hundreds of nodes."""
    near = [number for number in graph.deployments() if number % graph.width < graph.local]
    return random.Random(7).choices(near, k=STARTS)


def local_predictions(graph: BenchGraph) -> list[str]:
    """Return predictions that such deployments made."""
    deployments = graph.deployments()
    near = [place for place, number in enumerate(deployments) if number % graph.width < graph.local]
    chance = random.Random(7)
    rounds = range(PREDICTIONS // len(deployments))
    return [prediction_id(chance.choice(near) + len(deployments) * chance.choice(rounds)) for _ in range(STARTS)]


def wide_start(graph: BenchGraph) -> int:
    """Return the raw file with an impact nearest to 10^5 nodes."""
    oracle = peers.networkx_of(graph)
    sizes = {hub: len(peers.nx.descendants(oracle, hub)) for hub in graph.hubs()}
    return min(sizes, key=lambda hub: abs(sizes[hub] - IMPACT))


def handrail(url: str, graph: BenchGraph, wide: int, in_memory: bool) -> Timed:
    """Ask Handrail, over SQLite or PostgreSQL."""
    store = open_store(url)
    plain, lineage = SqlGraph(store), open_lineage(store)
    starts = [graph.uri(number) for number in local_starts(graph)]
    ids = local_predictions(graph)
    what = Reachable(graph.uri(wide), Direction.EFFECTS, MOST)
    tally = plain.tally(what, ENDS)
    walks = [plain.walk(uri, Direction.CAUSES, MOST) for uri in starts[:SHARED]]
    told = {
        "closure": timed(lambda uri: _closure(store, uri), starts),
        "trace": timed(lineage.trace, starts),
        "prediction": timed(lambda name: _of_prediction(store, lineage, name), ids),
        "impact": timed(lambda asked: plain.tally(asked, ENDS), [what] * IMPACTS, 1),
        "closure_answer": digest([node.uri for node in walk.nodes] for walk in walks if walk),
        "closure_nodes": sorted(len(walk.nodes) for walk in walks if walk)[SHARED // 2],
        "impact_answer": sum(tally.kinds.values()) if tally else 0,
    }
    if in_memory:
        told |= _in_memory(store, what)
    store.close()
    return told


def _in_memory(store: Store, what: Reachable) -> Timed:
    csr = CsrReach(store)
    began = time.perf_counter()
    csr.prepare()
    taken = time.perf_counter() - began
    graph = SqlGraph(store, csr)
    found = graph.tally(what, ENDS)
    asked = timed(lambda each: graph.tally(each, ENDS), [what] * 3 * IMPACTS, 1)
    return {"impact_memory": asked, "snapshot_s": taken, "memory_answer": sum(found.kinds.values()) if found else 0}


def open_lineage(store: Store) -> Lineage:
    """Return lineage and the feedback beside it over a filled store."""
    graph = SqlGraph(store)
    predictions = FeedbackPredictions(lambda: FeedbackLog(feedback_stores(store), _NONE, {}))
    return Lineage(LineagePorts(graph, SqlPointers(store), predictions, _NONE, "bench", _NONE))


_NONE: Any = None


def _closure(store: Store, uri: str) -> list[int]:
    with store.read() as connection:
        return reach(connection, node_id(uri), Direction.CAUSES, MOST)


def _of_prediction(store: Store, lineage: Lineage, name: str) -> list[int]:
    """Look up who made a prediction, then what that came from."""
    deployment = lineage._ports.predictions.deployment_of(name)
    assert deployment is not None
    return _closure(store, deployment)


def networkx(graph: BenchGraph, wide: int) -> Timed:
    """Ask networkx, with the graph in memory already."""
    oracle, starts = peers.networkx_of(graph), local_starts(graph)
    answers = ([graph.uri(n) for n in {start} | peers.nx.ancestors(oracle, start)] for start in starts[:SHARED])
    return {
        "closure": timed(lambda start: peers.nx.ancestors(oracle, start), starts),
        "impact": timed(lambda start: peers.nx.descendants(oracle, start), [wide] * IMPACTS, 1),
        "closure_answer": digest(answers),
        "impact_answer": len(peers.nx.descendants(oracle, wide)) + 1,
    }


def feast(path: str, graph: BenchGraph) -> Timed:
    """Ask Feast's consumer, which reads names and types: the same question as `trace` with less in the answer."""
    store = peers.open_feast(Path(path))
    starts = local_starts(graph)[:SHARED]
    answers = [peers.ask_feast(store, graph, start) for start in starts]
    return {
        "closure": timed(lambda start: peers.ask_feast(store, graph, start), starts, 0),
        "closure_answer": digest(answers),
    }


def marquez(url: str, graph: BenchGraph, ours: bool) -> Timed:
    """Ask for the jobs upstream, six jobs deep, in PostgreSQL: in the shape of Marquez, or Handrail's walk."""
    store = open_store(url)
    jobs = [graph.width * 15 + graph.local + 7 * number for number in range(5)]
    with store.read() as connection:
        if ours:
            known = {node_id(graph.uri(n)): n for n in range(graph.nodes) if graph.role(n) is Role.ACTIVITY}

            def ask(job: int) -> set[int]:
                ids = reach(connection, node_id(graph.uri(job)), Direction.CAUSES, MOST, 2 * MARQUEZ_DEPTH)
                return {known[one] for one in ids if one in known}
        else:

            def ask(job: int) -> set[int]:
                return peers.ask_marquez(connection, job, MARQUEZ_DEPTH)

        answer = digest([graph.uri(number) for number in ask(job)] for job in jobs[:1])
        return {"jobs": timed(ask, jobs[: 5 if ours else 1], 0), "jobs_answer": answer}


def main(side: str, where: str, edges: str, wide: str) -> None:
    """Measure one side and print what came of it."""
    graph = build(int(edges))
    sides: dict[str, Callable[[], Timed]] = {
        "sqlite": lambda: handrail(where, graph, int(wide), in_memory=True),
        "postgresql": lambda: handrail(where, graph, int(wide), in_memory=False),
        "networkx": lambda: networkx(graph, int(wide)),
        "feast-consumer": lambda: feast(where, graph),
        "marquez-sql": lambda: marquez(where, graph, ours=False),
        "marquez-ours": lambda: marquez(where, graph, ours=True),
    }
    print(json.dumps(sides[side]()))  # noqa: T201 - the harness reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
