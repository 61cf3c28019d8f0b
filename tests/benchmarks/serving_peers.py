"""The servers of `bench-serving` other than Handrail's: what starts each, and in which environment it runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import psutil

from tests.benchmarks.harness import ROOT
from tests.benchmarks.serving_case import TOLERANCE, score_of, write_requests

APPS = Path(__file__).parent / "serving_apps"
PEERS = ROOT / ".handrail" / "peers"
ENVIRONMENTS = {"ray-serve": ("ray[serve]==2.60.0",), "litserve": ("litserve==0.2.19",)}
"""Peers with an environment of their own, and what is installed there beside ONNX Runtime."""
READY_WITHIN_S, STOPPED_WITHIN_S = 300.0, 20.0
QUIET = {
    **{"OMP_NUM_THREADS": "1", "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "true"},
    # Where a machine is busy, Ray's agent takes longer to start than Ray waits for it.
    **{"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_agent_register_timeout_ms": "120000"},
}


class Missing(Exception):
    """A peer that cannot be measured here, with the reason."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server: its command (`{port}` is its port), what it is given, and which requests it answers.

    `asked` names the kind of requests: `rows` bring their features, `coded` too, as numbers, and `flights` do not.
    """

    name: str
    asked: str
    command: tuple[str, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    path: str = "/predict"


def python_of(name: str) -> str:
    """Return the interpreter of a peer's environment, which is made if it is not there.

    Raises:
        Missing: it cannot be made; the last line of the installer says why.
    """
    place = PEERS / name
    interpreter, stamp = place / "bin" / "python", place / "bench-serving"
    wanted = " ".join((*ENVIRONMENTS[name], *(f"{each}=={version(each)}" for each in ("onnxruntime", "numpy"))))
    if not stamp.is_file() or stamp.read_text() != wanted:
        uv = str(Path(sys.executable).with_name("uv"))
        for command in (
            (uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)),
            (uv, "pip", "install", "--quiet", "--python", str(interpreter), *wanted.split()),
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(
                    f"it could not be installed: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}"
                )
        stamp.write_text(wanted)
    return str(interpreter)


def sides_of_rows() -> tuple[list[Side], dict[str, str]]:
    """Return the servers that get rows with their features, and the reason of each that cannot be measured."""
    here = str(Path(sys.executable).parent)
    bento = (f"{here}/bentoml", "serve", "--port", "{port}", "--host", "127.0.0.1")
    mlflow = ("models", "serve", "--port", "{port}", "--host", "127.0.0.1", "--env-manager", "local", "--workers", "1")
    sides = [
        Side("bare-bento", "rows", (*bento, "bare_bento:BareBento")),
        Side("bare-bento-tuned", "rows", (*bento, "bare_bento:BareBento"), {"BENCH_TUNED": "1"}),
        Side("bento-batched", "rows", (*bento, "bare_bento:Batched"), {"BENCH_TUNED": "1"}),
        Side("bento-pyfunc", "coded", (*bento, "pyfunc_bento:PyfuncBento")),
        Side("fastapi", "rows", (sys.executable, "fastapi_app.py")),
        Side(
            "mlflow-serve",
            "coded",
            (f"{here}/mlflow", *mlflow, "--model-uri", "{model}/../pyfunc"),
            path="/invocations",
        ),
    ]
    missing = {}
    for name, app in (("ray-serve", "ray_app.py"), ("litserve", "litserve_app.py")):
        try:
            sides.append(Side(name, "rows", (python_of(name), app)))
        except Missing as err:
            missing[name] = str(err)
    return sides, missing


def sides_of_flights(project: Path, home: Path) -> list[Side]:
    """Return the servers that look features up, in the store of a project."""
    command = (f"{Path(sys.executable).parent}/bentoml", "serve", "--port", "{port}", "--host", "127.0.0.1")
    place = {"BENCH_PROJECT": str(project), "BENCH_HOME": str(home)}
    return [
        Side(name, "flights", (*command, "lookup_bento:LookupBento"), place | given)
        for name, given in (
            ("bare-bento", {"BENCH_LOOKUP": "reader"}),
            ("bare-bento-tuned", {"BENCH_LOOKUP": "reader", "BENCH_TUNED": "1"}),
            ("bento-feast", {"BENCH_LOOKUP": "feast"}),
        )
    ]


def body_of(side: str, asked: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body in which a server takes one row."""
    return {"dataframe_records": [row]} if side == "mlflow-serve" else {"flights": [row]}


class Running:
    """A server that runs until the context ends, with the requests that are sent to it."""

    def __init__(self, side: Side, model: Path, requests: Path) -> None:
        """Start it; its log is beside its requests."""
        self.name, self.requests, self.port = side.name, requests, free_port()
        self.log = requests.with_suffix(".log")
        places = {"port": self.port, "model": model}
        given = QUIET | {"BENCH_MODEL": str(model), "BENCH_PORT": str(self.port)} | dict(side.given)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [each.format(**places) for each in side.command],
                cwd=APPS,
                env={**os.environ, "PATH": path, **given},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its first process."""
        return self._process.pid

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ask it to end; what does not is killed, with all that it started."""
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOPPED_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def await_ready(self) -> None:
        """Return when it answers.

        Raises:
            Missing: it ended, or does not answer in time; the last line of its log is in the sentence.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Missing(f"it ended while starting: {self._last_line()}")
            try:
                first_answer(self.requests, self.port)
            except (OSError, ValueError):
                time.sleep(0.2)
                continue
            return
        raise Missing(f"it did not answer within {READY_WITHIN_S:.0f} s: {self._last_line()}")

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def start(side: Side, model: Path, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Running:
    """Start a server, and write the requests that it gets."""
    bodies = [body_of(side.name, side.asked, row) for row in rows]
    return Running(side, model, write_requests(folder / f"{side.name}-{side.asked}.ndjson", side.path, bodies, {}))


def answers(requests: Path, port: int, count: int) -> list[Any]:
    """Return what a server answers to the first requests of a file, one after another.

    Raises:
        OSError: it does not answer, or with an error.
        ValueError: an answer is no JSON.
    """
    found = []
    for line in requests.read_text(encoding="utf-8").splitlines()[:count]:
        one = json.loads(line)
        headers = {"Content-Type": "application/json", **one["headers"]}
        asked = urllib.request.Request(  # noqa: S310 - a server of this benchmark
            f"http://127.0.0.1:{port}{one['path']}", json.dumps(one["body"]).encode(), headers
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as answer:
            found.append(json.loads(answer.read()))
    return found


def first_answer(requests: Path, port: int) -> Any:
    """Return what a server answers to the first request of a file."""
    return answers(requests, port, 1)[0]


def require_scores(name: str, found: Sequence[Any], expected: Sequence[float]) -> None:
    """Stop unless a server's answers hold the scores that they have to.

    Raises:
        SystemExit: one differs by more than `TOLERANCE`.
    """
    for place, (answer, score) in enumerate(zip(found, expected, strict=True)):
        if not abs(score_of(answer) - score) <= TOLERANCE:
            raise SystemExit(f"{name} answers {score_of(answer)!r} to row {place}, and the model says {score!r}.")


def processor_seconds(pid: int) -> float:
    """Return the processor's seconds of a process and of all that it started, until now; 0 where there is none."""
    seconds = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for each in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                spent = each.cpu_times()
                seconds += spent.user + spent.system
    return seconds


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
