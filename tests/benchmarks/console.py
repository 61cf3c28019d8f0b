"""The console's pages on a server with 10^4 open requests beside a call of MLflow's own on the same server, in turn."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from tests.benchmarks import gate_case, harness
from tests.benchmarks.gate import ASKED, gated
from tests.fakes.mlflow_server import EVIDENCE, Server, password

CALLS, WARM_UP = 60, 5
GOAL_MS, GOAL_KB = 150, 100
PEER = "/api/2.0/mlflow/registered-models/search"


def _pages(server: Server) -> dict[str, str]:
    """Make a promoted version and an open request; return the pages that are loaded, by their names."""
    made = server.make_version()
    made.promote()
    other = server.make_version(name=made.name)
    compared = {"comparison": {"ci_low": 0.0, "incumbent": _tree(server, made.name)}}
    request_id = other.ask(evidence=EVIDENCE | compared)["request_id"]
    return {
        "inbox": "/handrail/",
        "a request": f"/handrail/requests/{request_id}",
        "all requests": "/handrail/requests",
        "timeline": f"/handrail/timeline/{made.name}/champion?at=2099-01-01",
        "rules": "/handrail/rules",
        "log": "/handrail/log",
    }


def _tree(server: Server, model: str) -> str:
    with server.gate("ben") as gate:
        return str(next(row["tree_digest"] for row in gate.requests("champion") if row["model"] == model))


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


def _measured(server: Server, http: httpx.Client) -> Iterator[harness.Row]:
    for name, path in _pages(server).items():
        sizes: list[int] = []
        for _ in range(WARM_UP):
            _load(http, path, sizes)
        pairs = [(_load(http, path, sizes), _load(http, PEER, [])) for _ in range(CALLS)]
        ours, theirs = [mine for mine, _ in pairs], [other for _, other in pairs]
        yield harness.compare(name, "wall", "ms", ours, ("mlflow", theirs))
        yield harness.alone(f"{name}, 95 % (goal {GOAL_MS} ms)", "wall", "ms", [p95(ours)])
        yield harness.alone(f"{name} (goal {GOAL_KB} kB)", "size", "kB", [max(sizes) / 1000])


def main() -> None:
    """Fill a server, load each page in turn with MLflow's search of its models, print the table, and keep it."""
    load = harness.quiet_load()
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder, gated(Path(folder)) as server:
        for account in ("ada", "ben", "cleo"):
            body = {"username": account, "password": password(account)}
            assert server.admin.post("/api/2.0/mlflow/users/create", json=body).status_code == 200
        server.write_roles()
        with server.person("ada") as author:
            author.post("/api/2.0/mlflow/registered-models/create", json={"name": "bench"})
        gate_case.seed(server.settings, ASKED, 0)
        with server.person("cleo") as http:
            rows = list(_measured(server, http))
    harness.finish("console", rows, load, 240)


if __name__ == "__main__":
    main()
