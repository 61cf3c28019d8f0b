"""`make bench-lineage-query`: traces and impacts over SQLite beside PostgreSQL, networkx, Feast, and Marquez's SQL.

`FULL=1` asks Handrail over SQLite at ten million edges too. Filled databases stay in `.handrail/bench/lineage-query`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.storage import open_store
from tests.benchmarks import harness, lineage_graph, lineage_peers
from tests.benchmarks.harness import Row
from tests.benchmarks.lineage_query_case import PREDICTIONS, wide_start

CASE = "tests.benchmarks.lineage_query_case"
EDGES, FULL_EDGES = 1_000_000, 10_000_000
MARQUEZ_JOBS = (2_128, 7_456)
LIMIT_S = 100
FULL_LIMIT_S = 600
DATA = harness.RESULTS / "lineage-query"
POSTGRESQL = os.environ.get("HANDRAIL_TEST_POSTGRES_URL")
Results = dict[str, list[dict[str, Any]] | None]


def sqlite_of(graph: lineage_graph.BenchGraph, edges: int) -> Path:
    """Return a filled database, made unless there is one."""
    path = DATA / f"handrail-{edges}-{lineage_graph.VERSION}.db"
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        lineage_graph.fill_sqlite(part, graph, PREDICTIONS)
        part.rename(path)
    lineage_graph.make_tables(f"sqlite:///{path}").close()
    return path


def feast_of(graph: lineage_graph.BenchGraph, edges: int) -> Path:
    """Return the same graph in the tables of Feast's consumer."""
    path = DATA / f"feast-{edges}-{lineage_graph.VERSION}.db"
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        lineage_peers.fill_feast(part, graph)
        part.rename(path)
    return path


@contextmanager
def schema(name: str) -> Iterator[str]:
    """Lend the URL of an empty schema in PostgreSQL; nothing stays behind."""
    assert POSTGRESQL
    owner = open_store(POSTGRESQL)
    url = sa.make_url(POSTGRESQL).update_query_dict({"options": f"-csearch_path={name}"})
    with owner.write() as connection:
        connection.exec_driver_sql(f"drop schema if exists {name} cascade")
        connection.exec_driver_sql(f"create schema {name}")
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with owner.write() as connection:
            connection.exec_driver_sql(f"drop schema {name} cascade")
        owner.close()


def compared(case: str, ours: Sequence[Any], peers: Results, question: str, answer: str) -> list[Row]:
    """Compare a question's medians and 99th percentiles; stop if any side answered otherwise."""
    rows = []
    for peer, theirs in peers.items():
        if theirs and answer in theirs[0] and theirs[0][answer] != ours[0][answer]:
            raise SystemExit(f"{case}: {peer} answers {theirs[0][answer]}, handrail {ours[0][answer]}.")
        for metric in ("p50", "p99"):
            other = [one[question][metric] for one in theirs] if theirs else None
            rows.append(harness.compare(case, metric, "ms", [o[question][metric] for o in ours], (peer, other)))
    return rows


def own(case: str, ours: Sequence[Any], question: str) -> list[Row]:
    """Return what nobody else answers: medians, beside the CPU time that they took."""
    mine = {metric: [one[question][metric] for one in ours] for metric in ("p50", "p99", "cpu")}
    return [
        harness.compare(case, "p50", "ms", mine["p50"], ("its CPU time", mine["cpu"])),
        harness.alone(case, "p99", "ms", mine["p99"]),
    ]


def at_size(edges: int) -> list[Row]:
    """Measure every side at a million edges."""
    graph = lineage_graph.build(edges)
    arguments = [str(edges), str(wide_start(graph))]
    sides = {
        "sqlite": ["sqlite", f"sqlite:///{sqlite_of(graph, edges)}", *arguments],
        "networkx": ["networkx", "-", *arguments],
        "feast-consumer": ["feast-consumer", str(feast_of(graph, edges)), *arguments],
    }
    if not POSTGRESQL:
        harness.quiet_load()
        return rows_of(f"{edges:,} edges", harness.interleaved(CASE, sides, limit_s=LIMIT_S))
    with schema("bench_lineage") as url:
        lineage_graph.fill_postgresql(url, graph, PREDICTIONS)
        harness.quiet_load()
        results = harness.interleaved(CASE, sides | {"postgresql": ["postgresql", url, *arguments]}, limit_s=LIMIT_S)
    return rows_of(f"{edges:,} edges", results)


def rows_of(size: str, results: Results) -> list[Row]:
    """Return the rows of one size."""
    ours = results.pop("sqlite") or []
    server = {peer: found for peer, found in results.items() if peer == "postgresql"}
    knowing = {peer: found for peer, found in results.items() if peer in ("postgresql", "networkx")}
    nodes = f"{size}, {ours[0]['closure_nodes']} nodes"
    reached = f"{size}, {ours[0]['impact_answer']:,} nodes"
    memory = [one | {"impact": one["impact_memory"], "impact_answer": one["memory_answer"]} for one in ours]
    return [
        *compared(f"closure, {nodes}", ours, results, "closure", "closure_answer"),
        *compared(f"prediction to closure, {nodes}", ours, server, "prediction", "closure_answer"),
        *compared(f"trace told whole, {nodes}", ours, server, "trace", "closure_answer"),
        *own(f"trace told whole, {nodes}", ours, "trace"),
        *compared(f"impact by SQL, {reached}", ours, knowing, "impact", "impact_answer"),
        *own(f"impact by SQL, {reached}", ours, "impact"),
        *compared(f"impact in memory, {reached}", memory, knowing, "impact", "impact_answer"),
        *own(f"impact in memory, {reached}", memory, "impact"),
    ]


def beside_marquez(jobs: int) -> list[Row]:
    """Measure SQL in the shape of Marquez among so many jobs, and ours on the same server."""
    edges = round(jobs * 2 * lineage_graph.MEAN_CAUSES * (lineage_graph.LAYERS - 1) / lineage_graph.LAYERS)
    graph = lineage_graph.build(edges)
    with schema("bench_marquez") as url:
        lineage_graph.fill_postgresql(url, graph, 0)
        store = open_store(url)
        with store.write() as connection:
            lineage_peers.fill_marquez(connection, graph)
        store.close()
        sides = {side: [side, url, str(edges), "0"] for side in ("marquez-ours", "marquez-sql")}
        results = harness.interleaved(CASE, sides, limit_s=LIMIT_S)
    ours = results.pop("marquez-ours") or []
    return compared(f"6 jobs deep of {jobs:,}, PostgreSQL", ours, results, "jobs", "jobs_answer")


def full() -> list[Row]:
    """Measure Handrail alone at ten million edges."""
    graph = lineage_graph.build(FULL_EDGES)
    url = f"sqlite:///{sqlite_of(graph, FULL_EDGES)}"
    arguments = ["sqlite", url, str(FULL_EDGES), str(wide_start(graph))]
    harness.quiet_load()
    results = harness.interleaved(CASE, {"sqlite": arguments}, repeats=3, limit_s=FULL_LIMIT_S)
    ours = results["sqlite"] or []
    size = f"{FULL_EDGES:,} edges, {ours[0]['closure_nodes']} nodes"
    return [
        *own(f"closure, {size}", ours, "closure"),
        *own(f"prediction to closure, {size}", ours, "prediction"),
        *own(f"trace told whole, {size}", ours, "trace"),
        *own(f"impact by SQL, {FULL_EDGES:,} edges, {ours[0]['impact_answer']:,} nodes", ours, "impact"),
        *own(f"impact in memory, {FULL_EDGES:,} edges, {ours[0]['impact_answer']:,} nodes", ours, "impact_memory"),
    ]


def main() -> None:
    """Measure, print, and write the results."""
    DATA.mkdir(parents=True, exist_ok=True)
    load = harness.quiet_load()
    rows = at_size(EDGES)
    if POSTGRESQL:
        for jobs in MARQUEZ_JOBS:
            rows += beside_marquez(jobs)
    if os.environ.get("FULL"):
        rows += full()
    harness.finish("lineage-query", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
