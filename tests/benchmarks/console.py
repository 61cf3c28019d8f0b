"""The console's pages beside 10^4 open requests and 10^6 predictions, and a search of MLflow's own in turn with each.

The gate's pages are those of the MLflow server, the others those of `handrail serve` on the same store. Beside the time
that a caller waits stands the time that the server used a processor, which other work on the machine changes less.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.benchmarks import console_case, gate_case, harness
from tests.benchmarks.gate import ASKED, gated
from tests.fakes.mlflow_server import EVIDENCE, Server, password

CALLS, WARM_UP = 30, 3
PREDICTIONS = 1_000_000
GOAL_MS, LIST_GOAL_MS, GOAL_KB = 150, 200, 100
LISTS = ("all requests", "open requests")
PEER = "/api/2.0/mlflow/registered-models/search"
TIMELINE_AT = "2099-01-01"


@dataclass(frozen=True, slots=True)
class Side:
    """A server whose pages are loaded: its process, a client of it, and the pages by their names."""

    process: int
    http: httpx.Client
    pages: Mapping[str, str]


def _gate_pages(server: Server) -> dict[str, str]:
    """Make a promoted version, an open request, and many more like it; return the pages by their names."""
    server.write_roles()
    made = server.make_version()
    promoted = made.promote()
    other = server.make_version(name=made.name)
    compared = {"comparison": {"ci_low": 0.0, "incumbent": promoted["tree_digest"]}}
    request_id = other.ask(evidence=EVIDENCE | compared)["request_id"]
    like = server.make_version(name="bench").ask()["request_id"]
    gate_case.seed(server.settings, like, ASKED, 0)
    return {
        "inbox": "/handrail/",
        "a request": f"/handrail/requests/{request_id}",
        "all requests": "/handrail/requests",
        "open requests": "/handrail/requests?state=open",
        "timeline": f"/handrail/timeline/{made.name}/champion?at={TIMELINE_AT}",
        "rules": "/handrail/rules",
        "log": "/handrail/log",
    }


def _lineage_pages(prediction: str) -> dict[str, str]:
    return {
        "search": "/handrail/?q=flights/1",
        "trace": f"/handrail/trace?q={prediction}",
        "impact": "/handrail/impact?q=dvc://shop/data/raw/2013-01",
        "feedback": "/handrail/feedback?model=flights",
        "deployments": "/handrail/deployments",
    }


def _load(http: httpx.Client, path: str, sizes: list[int]) -> float:
    before = time.perf_counter()
    answer = http.get(path, headers={"Accept": "text/html"})
    took = (time.perf_counter() - before) * 1000
    assert answer.status_code == 200, answer.text[:500]
    sizes.append(len(answer.content))
    return took


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 % do not exceed."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _measured(side: Side, mlflow: httpx.Client) -> Iterator[harness.Row]:
    for name, path in side.pages.items():
        harness.progress(f"loading {name}")
        sizes: list[int] = []
        for _ in range(WARM_UP):
            _load(side.http, path, sizes)
        pairs = [(_load(side.http, path, sizes), _load(mlflow, PEER, [])) for _ in range(CALLS)]
        before = console_case.processor_s(side.process)
        for _ in range(CALLS):
            _load(side.http, path, sizes)
        used = (console_case.processor_s(side.process) - before) / CALLS * 1000
        ours, theirs = [mine for mine, _ in pairs], [other for _, other in pairs]
        harness.progress(f"{name}: 95 % {p95(ours):.0f} ms, MLflow {p95(theirs):.0f} ms; processor {used:.0f} ms")
        goal = LIST_GOAL_MS if name in LISTS else GOAL_MS
        yield harness.compare(name, "wall", "ms", ours, ("mlflow", theirs))
        yield harness.compare(f"{name}, 95 % (goal {goal} ms)", "wall", "ms", [p95(ours)], ("mlflow", [p95(theirs)]))
        yield harness.alone(name, "processor", "ms", [used])
        yield harness.alone(f"{name} (goal {GOAL_KB} kB)", "size", "kB", [max(sizes) / 1000])


def main() -> None:
    """Fill a store, load each page in turn with MLflow's search of its models, print the table, and keep it."""
    load = harness.quiet_load()
    predictions = int(os.environ.get("PREDICTIONS", PREDICTIONS))
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name, gated(Path(name)) as server:
        harness.progress("the server is up")
        for account in ("ada", "ben", "cleo"):
            body = {"username": account, "password": password(account)}
            assert server.admin.post("/api/2.0/mlflow/users/create", json=body).status_code == 200
        pages = _gate_pages(server)
        with server.person("cleo") as mlflow:
            rows = list(_measured(Side(server.process, mlflow, pages), mlflow))
            found = console_case.fill(server.settings, predictions)
            with console_case.serving(server.settings, Path(name) / "serve.log") as (process, http):
                rows += _measured(Side(process, http, _lineage_pages(found)), mlflow)
    harness.finish("console", rows, load, 240)


if __name__ == "__main__":
    main()
