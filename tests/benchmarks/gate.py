"""MLflow's own calls on a server with the gate beside the same calls on stock MLflow with logins, in turn.

And what the gate itself answers when it is full: 10^4 requests, 10^5 held trees.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from handrail.approvals.adapters.mlflow_home import prepare_mlflow_home
from handrail.settings import Settings
from tests.benchmarks import gate_case, harness
from tests.fakes.mlflow_server import Server, password, settings_in, start, wait_until_up

CALLS, WARM_UP = 60, 10
API = "/api/2.0/mlflow"
LIMITS = {"alias, not protected": 1.05, "create version": 1.2}
OTHERS = 1.05
ASKED, HELD, PAGES = 10_000, 100_000, 40
_numbers = count(1)


class Side:
    """One author on one server, with a run and a model of her own."""

    def __init__(self, server: Server) -> None:
        body = {"username": "ada", "password": password("ada")}
        assert server.admin.post("/api/2.0/mlflow/users/create", json=body).status_code == 200
        self.http = self._http = server.person("ada")
        self.experiment = self._experiment = self.post("experiments/create", {"name": "bench"})["experiment_id"]
        self.run_id = self.create_run()
        self.post("registered-models/create", {"name": "bench"})
        self.create_version()

    def post(self, route: str, body: Mapping[str, object]) -> Any:
        """Call MLflow, and fail if it does."""
        answer = self._http.post(f"{API}/{route}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create_run(self) -> str:
        """Make a run; return its id."""
        made = self.post("runs/create", {"experiment_id": self._experiment})
        return str(made["run"]["info"]["run_id"])

    def create_version(self) -> None:
        """Register the run's files once more."""
        body = {"name": "bench", "source": f"runs:/{self.run_id}/model", "run_id": self.run_id}
        self.post("model-versions/create", body)

    def move_alias(self) -> None:
        """Move an alias that no policy names."""
        self.post("registered-models/alias", {"name": "bench", "alias": "challenger", "version": "1"})

    def log_metric(self) -> None:
        """Log one number."""
        body = {"run_id": self.run_id, "key": "auc", "value": 0.7, "timestamp": 1, "step": next(_numbers)}
        self.post("runs/log-metric", body)

    def tag_commit(self) -> None:
        """Say which commit the run came from."""
        body = {"run_id": self.run_id, "key": "mlflow.source.git.commit", "value": f"{next(_numbers):040x}"}
        self.post("runs/set-tag", body)

    def search(self) -> None:
        """Search the runs."""
        self.post("runs/search", {"experiment_ids": [self._experiment], "max_results": 10})

    def upload(self) -> None:
        """Upload 1 kB, another one each time."""
        path = f"{self._experiment}/{self.run_id}/artifacts/files/{next(_numbers)}"
        answer = self._http.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=os.urandom(1024))
        assert answer.status_code == 200, answer.text


CASES: dict[str, Callable[[Side], object]] = {
    "alias, not protected": Side.move_alias,
    "create version": Side.create_version,
    "create run": Side.create_run,
    "log metric": Side.log_metric,
    "tag the commit": Side.tag_commit,
    "search runs": Side.search,
    "upload 1 kB": Side.upload,
}


@contextmanager
def gated(folder: Path) -> Iterator[Server]:
    """Start a server with the gate; yield it once it answers."""
    settings = settings_in(folder)
    with (folder / "log").open("wb") as log:
        process = start(settings, log)
    with _until_done(settings, process, folder / "log") as server:
        server.process = process.pid
        yield server


@contextmanager
def _stock(folder: Path) -> Iterator[Server]:
    settings = settings_in(folder)
    home = settings.home / "mlflow"
    env = os.environ | prepare_mlflow_home(home, settings.credentials, "local") | {"OMP_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).with_name("mlflow")), "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--port", str(settings.ports.mlflow), "--backend-store-uri", f"sqlite:///{home / 'server.db'}"]
    command += ["--artifacts-destination", str(home / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=settings.home, stdout=log, stderr=subprocess.STDOUT)
    with _until_done(settings, process, folder / "log") as server:
        yield server


@contextmanager
def _until_done(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> Iterator[Server]:
    try:
        wait_until_up(settings, process, log)
        server = Server(settings)
        yield server
        server.admin.close()
    finally:
        process.terminate()
        process.wait(60)


def _took(call: Callable[[Side], object], side: Side) -> float:
    before = time.perf_counter()
    call(side)
    return (time.perf_counter() - before) * 1000


def _full(server: Server, full: Side, empty: Side) -> Iterator[harness.Row]:
    """Measure a server that is filled now beside one that is not."""
    server.write_roles()
    versions = gate_case.make_candidates(full.http, full.experiment, CALLS + 1)
    gate_case.seed(server.settings, gate_case.ask(full.http, versions.pop()), ASKED, HELD)
    opened = gate_case.OpenRequests(full.http)
    opened.turn()
    before = gate_case.resident_mb(server.process)
    pages = [_took(lambda _: opened.turn(), full) for _ in range(PAGES)]
    yield harness.alone(f"a page of {ASKED:,} requests (goal 200 ms)", "wall", "ms", pages)
    asked = [_took(lambda side: gate_case.ask(side.http, version), full) for version in versions]  # noqa: B023
    yield harness.alone(f"a request beside {ASKED:,} (goal 300 ms)", "wall", "ms", asked)
    grown = gate_case.resident_mb(server.process) - before
    yield harness.alone(f"memory after {PAGES + CALLS} such calls", "growth", "MB", [grown])
    # Last: the log's files have caught up by now.
    for side in (full, empty) * WARM_UP:
        side.upload()
    pairs = [(_took(Side.upload, full), _took(Side.upload, empty)) for _ in range(CALLS)]
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    yield harness.compare(f"upload beside {HELD:,} holds (goal +1 ms)", "wall", "ms", mine, ("no hold", theirs))


def main() -> None:
    """Time each call on both servers in turn, print the table beside the goals, and keep it."""
    load = harness.quiet_load()
    rows = []
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handrail-bench-"))) for _ in range(2)]
        full = stack.enter_context(gated(folders[0]))
        ours = Side(full)
        stock = Side(stack.enter_context(_stock(folders[1])))
        for case, call in CASES.items():
            for side in (ours, stock) * WARM_UP:
                call(side)
            pairs = [(_took(call, ours), _took(call, stock)) for _ in range(CALLS)]
            goal = LIMITS.get(case, OTHERS)
            name = f"{case} (goal {goal:g} ×)"
            rows.append(harness.compare(name, "wall", "ms", [a for a, _ in pairs], ("mlflow", [b for _, b in pairs])))
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder, gated(Path(folder)) as other:
            rows += _full(full, ours, Side(other))
    harness.finish("gate", rows, load, 240)


if __name__ == "__main__":
    main()
