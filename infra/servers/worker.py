"""The Prefect worker: waits for the server, makes the work pool and every deployment, then becomes the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from handrail.errors import HandrailError, Unavailable
from handrail.settings import Settings, load_settings
from handrail.tools import require
from infra.servers.supervisor import WORK_POOL, address_of, answers

SERVER_WITHIN_S = 120
RUNS_AT_ONCE = 2


def main() -> int:
    """Prepare the server for this project and turn into the worker; return only when that fails."""
    settings = load_settings()
    try:
        require("prefect", "prefect")
        wait_for_server(settings)
        deploy(settings.project)
    except HandrailError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    # A worker started in the background of a script inherits an ignored SIGINT and would then survive SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    program = str(Path(sys.executable).with_name("prefect"))
    os.execv(program, [program, "worker", "start", "--pool", WORK_POOL, "--limit", str(RUNS_AT_ONCE)])


def wait_for_server(settings: Settings) -> None:
    """Return when the Prefect server answers.

    Raises:
        Unavailable: it does not within two minutes.
    """
    deadline = time.monotonic() + SERVER_WITHIN_S
    while not answers(settings, "prefect"):
        if time.monotonic() > deadline:
            raise Unavailable("Prefect", f"{address_of(settings, 'prefect')} does not answer", "Start it: make up.")
        time.sleep(0.3)


def deploy(project: Path) -> None:
    """Make the work pool and every deployment of the project's prefect.yaml; those that exist are brought up to date.

    Raises:
        Unavailable: Prefect refuses one; the sentence is its own.
    """
    _prefect(project, "work-pool", "create", WORK_POOL, "--type", "process", "--overwrite")
    _prefect(project, "--no-prompt", "deploy", "--all")


def _prefect(project: Path, *arguments: str) -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("prefect"), *arguments], cwd=project, capture_output=True, text=True
    )
    if run.returncode:
        lines = (run.stderr or run.stdout).strip().splitlines() or ["it printed nothing"]
        raise Unavailable(f"prefect {' '.join(arguments[:3])}", lines[-1], "Correct prefect.yaml or start the server.")


if __name__ == "__main__":
    sys.exit(main())
