"""Replicas of a deployed bento behind Debian's HAProxy, clients that ask all the time, and kills."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from handrail.settings import Settings
from infra.servers.supervisor import environment
from tests.fakes.bento_project import flight

WANTED = "HANDRAIL_TEST_HAPROXY"
"""Set where tests with HAProxy have to run; elsewhere they run if it is there."""
MISSING = "HAProxy is not installed. Install it: apt-get install -y --no-install-recommends haproxy."
READY_WITHIN_S = 180.0
CLIENTS = 4
ANSWERED = "handrail_serving_requests_total{"
NUMBERS = 9000


def wanted() -> bool:
    """Whether tests with HAProxy are collected."""
    return bool(os.environ.get(WANTED)) or shutil.which("haproxy") is not None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Any, what: str, within_s: float = READY_WITHIN_S) -> None:
    """Wait until a condition holds."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"{what} within {within_s:.0f} s"
        pause.wait(0.1)


def is_ready(address: str) -> bool:
    """Say whether what listens there predicts."""
    try:
        return httpx.get(f"http://{address}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all that it started, the eldest first."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        children = []
    return [pid, *(each for child in children for each in family(int(child)))]


class Replica:
    """One server of a bento: the project's own, or the program that an image starts, from the folder of that image."""

    def __init__(self, settings: Settings, bento: str, image: Path | None = None) -> None:
        """Choose a port; nothing is started yet."""
        self._image = image
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        ports = settings.ports.model_copy(update={"bento": self.port})
        self._settings, self._bento = settings.model_copy(update={"ports": ports}), bento
        self._log = settings.home / f"replica-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it without waiting."""
        variables = environment(self._settings, "bento")
        command = [sys.executable, "-m", "infra.servers.bentoml_serve", self._bento]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        if self._image is not None:
            command = [sys.executable, str(self._image / "start.py")]
            variables |= {"PORT": str(self.port), "BENTOML_HOME": str(self._image / "bentoml")}
            variables |= {"HANDRAIL_PROJECT": str(self._image / "bento" / "src")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def is_asked(self) -> bool:
        """Say whether clients got answers from it since it was started: the balancer then knows that it is there."""
        try:
            said = httpx.get(f"http://{self.address}/metrics", timeout=5, trust_env=False).text
        except httpx.HTTPError:
            return False
        return any(line.startswith(ANSWERED) and '"/predict"' in line for line in said.splitlines())

    def kill(self) -> None:
        """End it and all that it started at once, by kill -9; its worker leads a process group of its own."""
        if self._process is not None:
            for pid in reversed(family(self._process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def balanced(configuration: Path, replicas: Sequence[Replica]) -> Iterator[None]:
    """Start replicas and HAProxy with this configuration; end them after the block."""
    program = shutil.which("haproxy")
    assert program, MISSING
    balancer = None
    try:
        for replica in replicas:
            replica.start()
        for replica in replicas:
            eventually(lambda one=replica: is_ready(one.address), f"a replica on {replica.address} is ready")
        balancer = subprocess.Popen([program, "-db", "-f", str(configuration)], stdin=subprocess.DEVNULL)
        yield
    finally:
        for replica in replicas:
            replica.kill()
        if balancer is not None:
            balancer.kill()
            balancer.wait()


@dataclass
class Load:
    """Clients that ask about one flight after another; each answer is checked."""

    address: str
    headers: Mapping[str, str]
    answered: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    deployments: set[str] = field(default_factory=set)

    @contextmanager
    def under_way(self) -> Iterator[Load]:
        """Ask during the block."""
        numbers, done = itertools.count(), threading.Event()
        clients = [threading.Thread(target=self._ask, args=(numbers, done), daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield self
        finally:
            done.set()
            for client in clients:
                client.join()

    def _ask(self, numbers: Iterator[int], done: threading.Event) -> None:
        host, _, port = self.address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        while not done.is_set():
            asked = flight(1 + next(numbers) % NUMBERS)
            body, began = json.dumps({"flights": [asked]}), time.monotonic()
            try:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json", **self.headers})
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    raise http.client.HTTPException(f"{answer.status}: {content[:200]!r}")
                said = json.loads(content)
                (one,) = said["predictions"]
                self.deployments.add(said["deployment"])
                if one["flight_id"] != asked["flight_id"]:
                    raise http.client.HTTPException(f"{one['flight_id']} where {asked['flight_id']} was asked")
                self.answered[one["flight_id"]] = one["prediction_id"]
                self.seconds.append(time.monotonic() - began)
            except (http.client.HTTPException, OSError, ValueError, KeyError) as err:
                self.lost.append(f"{asked['flight_id']}: {err!r}")
                connection.close()
        connection.close()
