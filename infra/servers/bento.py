"""Serves what the environment points at: `python -m infra.servers.bento`, the line of the Procfile.

A running service follows each deployment and each rollback by itself, without a restart. Only a deployment with other
code or packages needs one: then what runs gives its answers first. A server that was killed is started again, with a
version whose permit holds. Before anything is deployed the checkout's own service is served; it stays up and says that
no permitted model exists.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from flows.steps.release.deploy import slot_of
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_deployments, open_swapper
from handrail.delivery import BuiltBento, code_digest
from handrail.errors import HandrailError, Refused, Unavailable
from handrail.http import serving_token
from handrail.settings import Settings, load_settings
from handrail.tools import require
from handrail.use_case import read_use_case
from infra.servers.supervisor import environment, require_free_ports

GRACE_S = 10
LOOK_EVERY_S = 0.5
AGAIN_S = 30.0
"""So often what could not be served is looked at again, though nothing was deployed."""
MOST_DEATHS, WITHIN_S = 5, 60.0
"""A server that is killed so often in that time is not started again: something else is wrong."""
PORT_FREE_WITHIN_S = 5.0
PR_SET_PDEATHSIG = 1

_log = logging.getLogger("handrail.bentoml")


@dataclass(frozen=True, slots=True)
class Target:
    """What `bentoml serve` is given, and the digest of its code; no code is that of the checkout."""

    name: str
    code: str | None = None


def serving_target(platform: Platform) -> Target:
    """Return what is served: the bento that the environment points at, else the checkout's service.

    If its permit does not hold for exactly its bytes, that is the last one before whose does; if none does, it is the
    one that is pointed at, and refuses to start.

    Raises:
        Unavailable: the bento that was deployed is not in the local store (any more), and none before it.
    """
    settings = platform.settings
    name = read_use_case(settings.project).name
    pointed = _pointed(platform)
    if pointed is None:
        return Target(str(settings.project / "bentos" / name))
    swapper = open_swapper(platform, name)
    try:
        with swapper.lend(swapper.find(pointed)):
            pass
    except (Refused, Unavailable) as err:
        # Where none before may be served either, what is deployed refuses to start and says why.
        with contextlib.suppress(Refused):
            before = swapper.previous(swapper.moves())
            _log.error("What is deployed may not be served, and %s is: %s", before, err)
            return _target(swapper.find(before))
    return _target(swapper.find(pointed))


def _pointed(platform: Platform) -> str | None:
    return open_deployments(platform).target(slot_of(platform.settings).pointer)


def _target(built: BuiltBento) -> Target:
    return Target(f"{built.tag.name}:{built.tag.version}", code_digest(built.folder))


class Server:
    """`bentoml serve` as a child, which ends with this process, however that ends."""

    def __init__(self, platform: Platform) -> None:
        """Serve for the platform's settings; nothing is started yet."""
        self._platform = platform
        self._process: subprocess.Popen[bytes] | None = None
        self.target: Target | None = None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self, target: Target) -> None:
        """Serve another target; what runs gives its answers first."""
        self.stop()
        settings = self._platform.settings
        command = [
            *(sys.executable, "-m", "infra.servers.bentoml_serve", target.name),
            *("--host", settings.host, "--port", str(settings.ports.bento)),
            *("--timeout-graceful-shutdown", str(GRACE_S)),
        ]
        self._process = subprocess.Popen(
            command,
            env=environment(settings, "bento"),
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, takes no lock
        )
        self.target = target

    def stop(self) -> None:
        """Ask the child to end, and wait until it has."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(GRACE_S + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def follow(server: Server, platform: Platform) -> int:
    """Serve what the environment points at until the server ends by itself; return its exit code.

    While the pointer cannot be read, or names a bento that is not here, what runs stays. A server that was killed is
    started again, unless that happens again and again.
    """
    server.start(serving_target(platform))
    seen, again_at = _pointed(platform), time.monotonic() + AGAIN_S
    deaths: deque[float] = deque(maxlen=MOST_DEATHS)
    while True:
        code = server.exit_code
        if code is not None:
            if code >= 0 or (len(deaths) == MOST_DEATHS and time.monotonic() - deaths[0] < WITHIN_S):
                return code
            deaths.append(time.monotonic())
            _log.error("The server was killed by signal %d: it is started again.", -code)
            _await_free_port(platform.settings)
            server.start(serving_target(platform))
        time.sleep(LOOK_EVERY_S)
        with contextlib.suppress(HandrailError):
            pointed = _pointed(platform)
            if pointed != seen or time.monotonic() >= again_at:
                seen, again_at = pointed, time.monotonic() + AGAIN_S
                target = serving_target(platform)
                if _needs_restart(server.target, target):
                    server.start(target)


def _needs_restart(running: Target | None, target: Target) -> bool:
    """Say whether a running server cannot get at a target by itself, as its code is another one."""
    return running is None or (target != running and (target.code is None or target.code != running.code))


def _await_free_port(settings: Settings) -> None:
    """Wait until the worker of a killed server has let the port go, which it does once it sees that it is alone."""
    deadline = time.monotonic() + PORT_FREE_WITHIN_S
    while time.monotonic() < deadline:
        try:
            return require_free_ports(settings, ["bento"])
        except HandrailError:
            time.sleep(0.1)


def main() -> None:
    """Serve until a signal, or until the server ends by itself; then exit with its code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        require("bentoml", "bentoml")
        settings = load_settings()
        require_free_ports(settings, ["bento"])
        if settings.callers.token:
            serving_token(settings)
        with open_platform(settings) as platform:
            server = Server(platform)
            try:
                sys.exit(follow(server, platform))
            finally:
                server.stop()
    except HandrailError as err:
        sys.exit(f"error: {err}")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _end_with_parent() -> None:
    """Let the kernel end the child when this process is killed: nobody else could free the port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main()
