"""Serves what the environment points at: `python -m infra.servers.bento`, the line of the Procfile.

After each deployment, and each rollback, it starts the server anew with the other bento. Before anything is deployed
the checkout's own service is served; it stays up and says that no permitted model exists.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import NoReturn

from flows.steps.release.deploy import served_bento
from handrail.bootstrap import Platform, open_platform
from handrail.errors import HandrailError
from handrail.http import serving_token
from handrail.settings import load_settings
from handrail.tools import require
from handrail.use_case import read_use_case
from infra.servers.supervisor import environment, require_free_ports

GRACE_S = 10
LOOK_EVERY_S = 1.0
PR_SET_PDEATHSIG = 1


def serving_target(platform: Platform) -> str:
    """Return what `bentoml serve` is given: the tag that the environment points at, else the checkout's service.

    Raises:
        Unavailable: the bento that was deployed is not in the local store (any more).
    """
    served = served_bento(platform)
    if served:
        return f"{served.tag.name}:{served.tag.version}"
    project = platform.settings.project
    return str(project / "bentos" / read_use_case(project).name)


class Server:
    """`bentoml serve` as a child, which ends with this process, however that ends."""

    def __init__(self, platform: Platform) -> None:
        """Serve for the platform's settings; nothing is started yet."""
        self._platform = platform
        self._process: subprocess.Popen[bytes] | None = None
        self.target: str | None = None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self, target: str) -> None:
        """Serve another target; what runs gives its answers first."""
        self.stop()
        settings = self._platform.settings
        command = [
            *(sys.executable, "-m", "bentoml", "serve", target),
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

    While the pointer cannot be read, or names a bento that is not here, what runs stays.
    """
    server.start(serving_target(platform))
    while server.exit_code is None:
        time.sleep(LOOK_EVERY_S)
        with contextlib.suppress(HandrailError):
            target = serving_target(platform)
            if target != server.target:
                server.start(target)
    return server.exit_code


def main() -> None:
    """Serve until a signal, or until the server ends by itself; then exit with its code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        require("bentoml", "bentoml")
        settings = load_settings()
        require_free_ports(settings, ["bento"])
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
