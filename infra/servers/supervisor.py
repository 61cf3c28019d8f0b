"""The servers of this project: what starts them, where they answer, and how they stop.

The command lines are in infra/Procfile alone; `make up`, the demo and the tests read them from there.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from honcho.environ import parse_procfile

from flows.steps.release.serving import asker
from handrail.entrypoints.cli.env import tool_environment
from handrail.errors import Unavailable
from handrail.settings import Settings, make_home
from infra.servers.processes import Child, ChildFiles, stop_left_over

PROCFILE = Path(__file__).parents[1] / "Procfile"
WORK_POOL = "local-process"
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Kind:
    """One server that this project knows: `port` names its field of `settings.ports`, None if it listens on none.

    `path` answers 200 as soon as the server works.
    """

    name: str
    title: str
    port: str | None
    path: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("mlflow", "MLflow", "mlflow", "/health"),
        Kind("prefect", "Prefect", "prefect", "/api/health"),
        Kind("worker", "Prefect worker", None, f"/api/work_pools/{WORK_POOL}/workers/filter"),
        Kind("bento", "The bento", "bento", "/livez"),
        Kind("evidently", "Evidently", "evidently", "/"),
        Kind("lineage", "Lineage", "lineage", "/livez"),
    )
}


def commands(procfile: Path = PROCFILE) -> dict[str, str]:
    """Return each server's shell line, as the Procfile has it."""
    return dict(parse_procfile(procfile.read_text(encoding="utf-8")).processes)


def port_of(settings: Settings, name: str) -> int | None:
    """Return the port on which a server listens under these settings, None for the worker."""
    field = KINDS[name].port
    return None if field is None else int(getattr(settings.ports, field))


def address_of(settings: Settings, name: str) -> str:
    """Return the URL at which a server answers; for the worker, that of the Prefect server it asks for work."""
    return f"http://{settings.host}:{port_of(settings, 'prefect' if name == 'worker' else name)}"


def with_free_ports(settings: Settings) -> Settings:
    """Return the settings with a free port for each server, and with every URL derived from them."""
    sockets = [socket.socket() for _ in type(settings.ports).model_fields]
    for one in sockets:
        one.bind((settings.host, 0))
    free = dict(zip(type(settings.ports).model_fields, (one.getsockname()[1] for one in sockets), strict=True))
    for one in sockets:
        one.close()
    urls = {"mlflow_url": None, "prefect_url": None, "bento_url": None}
    return settings.model_copy(update={"ports": settings.ports.model_copy(update=free), **urls})


def require_free_ports(settings: Settings, names: Iterable[str] = tuple(KINDS)) -> None:
    """Check that each server could listen.

    Raises:
        Unavailable: a port is taken; the sentence names it, the tool, and how to choose another.
    """
    for kind in (KINDS[name] for name in names):
        if kind.port is None:
            continue
        port = int(getattr(settings.ports, kind.port))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as err:
                raise Unavailable(
                    f"Port {port} on {settings.host}, for {kind.title}",
                    "it is taken" if err.errno != errno.EACCES else "this user may not listen on it",
                    f"Choose another: HANDRAIL_PORTS__{kind.port.upper()}={_another(port)}, "
                    f"or ports.{kind.port} in config/handrail.yaml.",
                ) from err


def _another(port: int) -> int:
    return port + 10000 if port < 50000 else port - 10000


def environment(settings: Settings, name: str) -> dict[str, str]:
    """Return the whole environment of a server's process, so that it sees exactly these settings.

    Makes the folders that the server writes to, and for MLflow its credentials.
    """
    (make_home(settings) / "mlflow" / "artifacts").mkdir(parents=True, exist_ok=True)
    (settings.home / "evidently").mkdir(parents=True, exist_ok=True)
    values = {**os.environ, **tool_environment(settings), **settings_environment(settings), "PYTHONUNBUFFERED": "1"}
    for tool in ("mlflow", "prefect", "bento"):
        values.pop(f"HANDRAIL_{tool.upper()}_URL", None)
        if given := getattr(settings, f"{tool}_url"):
            values[f"HANDRAIL_{tool.upper()}_URL"] = given
    if name == "mlflow":
        from handrail.bootstrap.approvals import prepare_mlflow

        values |= prepare_mlflow(settings)
    return values


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the HANDRAIL_* variables that hold these settings' ports, host, mode and names."""
    ports = {f"HANDRAIL_PORTS__{tool.upper()}": str(port) for tool, port in settings.ports.model_dump().items()}
    return {
        "HANDRAIL_HOST": settings.host,
        "HANDRAIL_REPLAY": str(settings.replay).lower(),
        "HANDRAIL_ENVIRONMENT": settings.environment,
        "HANDRAIL_REPOSITORY": settings.repository,
        "HANDRAIL_MODEL_NAME": settings.model_name,
        **ports,
    }


class Servers:
    """The servers of one run, each started at most once; used as a context it leaves none behind.

    Logs are `<home>/logs/<name>.log`. What a killed run left behind is stopped before the same server starts again.
    """

    def __init__(self, settings: Settings, procfile: Path = PROCFILE) -> None:
        """Start servers for `settings`; take `with_free_ports(settings)` to disturb nobody."""
        self.settings = settings
        self._commands = commands(procfile)
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every server."""
        self.stop_all()

    def start(self, name: str) -> str:
        """Start a server and return its address without waiting. Safe to repeat.

        Raises:
            Unavailable: its port is taken.
        """
        address = address_of(self.settings, name)
        running = self._children.get(name)
        if running is not None and running.exit_code is None:
            return address
        record = self.settings.home / "run" / f"{name}.json"
        stop_left_over(record)
        require_free_ports(self.settings, [name])
        place = ChildFiles(self.settings.project, self.log_of(name), record)
        self._children[name] = Child.start(self._commands[name], environment(self.settings, name), place)
        return address

    def wait_ready(self, name: str, deadline_s: float = 120, path: str | None = None) -> None:
        """Return when a started server answers 200 at `path`; the worker, when its deployments are made and it polls.

        Raises:
            Unavailable: the server ended, or does not answer in time; the sentence names its log.
        """
        title, child = KINDS[name].title, self._children[name]
        deadline = time.monotonic() + deadline_s
        while not answers(self.settings, name, path):
            if child.exit_code is not None:
                raise Unavailable(
                    title,
                    f"it ended while starting, exit code {child.exit_code}: {child.last_line()[:300]}",
                    f"Its log is {child.place.log}.",
                )
            if time.monotonic() > deadline:
                raise Unavailable(title, f"it did not answer within {deadline_s:.0f} s", f"See {child.place.log}.")
            time.sleep(POLL_S)

    def stop(self, name: str) -> None:
        """Stop a server and all that it started; one that never ran is none to stop."""
        if child := self._children.pop(name, None):
            child.stop()

    def stop_all(self) -> None:
        """Stop every server, the youngest first."""
        for name in reversed(list(self._children)):
            self.stop(name)

    def pid(self, name: str) -> int:
        """Return the process id of a started server; its group has the same."""
        return self._children[name].pid

    def log_of(self, name: str) -> Path:
        """Return the file that a server's output goes to."""
        return self.settings.home / "logs" / f"{name}.log"


def answers(settings: Settings, name: str, path: str | None = None) -> bool:
    """Say whether a server works: it answers 200 at `path` (its usual one if None); a worker is known as online."""
    url = address_of(settings, name) + (path or KINDS[name].path)
    try:
        if name == "worker":
            answer = asker().post(url, json={})
            return answer.status_code == 200 and any(worker["status"] == "ONLINE" for worker in answer.json())
        return asker().get(url).status_code == 200
    except httpx.HTTPError:
        return False
