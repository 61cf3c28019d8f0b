"""The peers of the lineage benchmark: Feast's own consumer, networkx, and SQL in the shape of Marquez."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import networkx as nx
from sqlalchemy.engine import Connection

from handrail.lineage.domain.vocabulary import Role
from tests.benchmarks.lineage_graph import BenchGraph

DEPTH = 100
FEAST_EDGES = "openlineage_lineage_edges"
# LineageDao.getLineage of Marquez (issue 3058 of its repository): the inputs and outputs of all jobs are gathered into
# arrays, then arrays are compared with arrays. Kinder than there: upstream alone, so that both sides have one answer.
MARQUEZ = """
with recursive job_io as (
    select job, array_agg(distinct dataset) filter (where io = 'INPUT') as inputs,
        array_agg(distinct dataset) filter (where io = 'OUTPUT') as outputs
    from marquez_io group by job
),
lineage(job, inputs, outputs, depth) as (
    select job, coalesce(inputs, array[]::bigint[]), coalesce(outputs, array[]::bigint[]), 0
    from job_io where job = %s
    union
    select io.job, coalesce(io.inputs, array[]::bigint[]), coalesce(io.outputs, array[]::bigint[]), l.depth + 1
    from job_io io, lineage l
    where io.job != l.job and io.outputs && l.inputs and l.depth < %s
)
select distinct job from lineage
"""


def open_feast(path: Path) -> Any:
    """Open Feast's store of OpenLineage events at `path`, its tables made."""
    from feast.openlineage.store import OpenLineageStore

    store = OpenLineageStore(connection_string=f"sqlite:///{path}")
    store.initialize()
    return store


def fill_feast(path: Path, graph: BenchGraph) -> None:
    """Fill the edges of Feast's store: activities are jobs, artifacts are datasets."""
    open_feast(path).engine.dispose()
    names = [graph.uri(number) for number in range(graph.nodes)]
    types = [feast_type(graph, number) for number in range(graph.nodes)]
    pairs = zip(graph.effects.tolist(), graph.causes.tolist(), strict=True)
    rows = ((types[c], "bench", names[c], types[e], "bench", names[e], "flow", 0) for e, c in pairs)
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -400000")
    with connection:
        connection.executemany(f"insert into {FEAST_EDGES} values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def ask_feast(store: Any, graph: BenchGraph, start: int) -> set[str]:
    """Return the names of everything upstream of a node, by Feast's own traversal."""
    found = store.get_lineage_graph(feast_type(graph, start), "bench", graph.uri(start), DEPTH, "upstream")
    return {node["name"] for node in found["nodes"]}


def feast_type(graph: BenchGraph, number: int) -> str:
    """Return what Feast calls a node."""
    return "JOB" if graph.role(number) is Role.ACTIVITY else "DATASET"


def networkx_of(graph: BenchGraph) -> Any:
    """Return the graph in memory; its edges lead from causes to effects."""
    oracle = nx.DiGraph()
    oracle.add_edges_from(zip(graph.causes.tolist(), graph.effects.tolist(), strict=True))
    return oracle


def fill_marquez(connection: Connection, graph: BenchGraph) -> None:
    """Fill a table of what jobs read and wrote."""
    connection.exec_driver_sql("create table marquez_io (job bigint, dataset bigint, io text)")
    rows = [
        (effect, cause, "INPUT") if graph.role(effect) is Role.ACTIVITY else (cause, effect, "OUTPUT")
        for effect, cause in zip(graph.effects.tolist(), graph.causes.tolist(), strict=True)
    ]
    connection.exec_driver_sql("insert into marquez_io values (%s, %s, %s)", rows)
    connection.exec_driver_sql("create index on marquez_io (job)")
    connection.exec_driver_sql("analyze marquez_io")


def ask_marquez(connection: Connection, job: int, depth: int) -> set[int]:
    """Return the jobs upstream of a job, up to so many jobs away."""
    return {row[0] for row in connection.exec_driver_sql(MARQUEZ, (job, depth)).all()}
