"""Serves what the environment points at: `python -m infra.servers.bento`, the line of the Procfile.

Before anything is deployed the checkout's own service is served; it stays up and says that no permitted model exists.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from flows.steps.release.deploy import served_bento
from flows.steps.release.recipe import NAME
from handrail.bootstrap import open_platform
from handrail.errors import HandrailError, Unavailable
from handrail.http import serving_token
from handrail.settings import Settings, load_settings
from handrail.tools import require
from infra.servers.processes import Child, Place, stop_left_over
from infra.servers.supervisor import environment, require_free_ports, with_free_ports

GRACE_S = 10
POLL_S = 0.1


def serving_target(settings: Settings) -> str:
    """Return what `bentoml serve` is given: the tag that the environment points at, else the checkout's service.

    Raises:
        Unavailable: the bento that was deployed is not in the local store (any more).
    """
    with open_platform(settings) as platform:
        served = served_bento(platform)
    return f"{served.tag.name}:{served.tag.version}" if served else str(settings.project / "bentos" / NAME)


def serve_command(settings: Settings, target: str) -> list[str]:
    """Return the command that serves `target` on the configured address."""
    return [
        *(sys.executable, "-m", "bentoml", "serve", target),
        *("--host", settings.host, "--port", str(settings.ports.bento)),
        *("--timeout-graceful-shutdown", str(GRACE_S)),
    ]


class ServedBento:
    """A served bento: its settings (with the port that it listens on) and its process."""

    def __init__(self, settings: Settings, child: Child) -> None:
        """Wrap a process that `start_bento` started."""
        self.settings = settings
        self._child = child

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.settings.host}:{self.settings.ports.bento}"

    @property
    def pid(self) -> int:
        """The process id of its supervisor, which leads a group of its own."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._child.exit_code

    @property
    def log(self) -> Path:
        """The file that its output goes to."""
        return self._child.place.log

    def wait(self, path: str = "/readyz", deadline_s: float = 120) -> None:
        """Return when it answers 200 at `path`: `/readyz` once it predicts, `/livez` as soon as it is up.

        Raises:
            Unavailable: it ended, or does not answer in time; the sentence holds the reason that it gave.
        """
        deadline = time.monotonic() + deadline_s
        while (said := _ask(self.url + path)) is not None:
            if self._child.exit_code is not None:
                raise Unavailable("The bento", f"it ended: {self._child.last_words()}", f"Its log is {self.log}.")
            if time.monotonic() > deadline:
                raise Unavailable("The bento", f"not ready after {deadline_s:g} s: {said}", f"Its log is {self.log}.")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Let it finish its requests and end it. Stopping twice changes nothing."""
        self._child.stop()


def start_bento(settings: Settings, target: str | None = None, *, free_port: bool = False) -> ServedBento:
    """Start serving and return at once; a bento that an interrupted run of the same home left behind is stopped first.

    Args:
        settings: of the project that is served.
        target: a bento's tag or folder; what the environment points at if None.
        free_port: take a free port instead of the configured one.

    Raises:
        Unavailable: the configured port is taken; the sentence says how to choose another.
    """
    record = settings.home / "run" / "bento.json"
    stop_left_over(record)
    if free_port:
        settings = with_free_ports(settings)
    require_free_ports(settings, ["bento"])
    place = Place(settings.project, settings.home / "logs" / "bento.log", record)
    command = shlex.join(serve_command(settings, target or serving_target(settings)))
    return ServedBento(settings, Child.start(f"exec {command}", environment(settings, "bento"), place))


def main(execute: Callable[[str, list[str], dict[str, str]], None] = os.execve) -> None:
    """Become the server of what the environment points at."""
    try:
        require("bentoml", "bentoml")
        settings = load_settings()
        require_free_ports(settings, ["bento"])
        serving_token(settings)
        command = serve_command(settings, serving_target(settings))
    except HandrailError as err:
        sys.exit(f"error: {err}")
    execute(command[0], command, environment(settings, "bento"))


def _ask(url: str) -> str | None:
    """Return None if it answers 200, else what stands in the way."""
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError as err:
        return str(err) or type(err).__name__
    if answer.status_code == 200:
        return None
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"


if __name__ == "__main__":
    main()
