"""A retraining in a process of its own that is killed at one of its moments, and another process that takes it up.

The pipeline is a real one of DVC with two quick stages, each of which notes that it ran. The gate is a file: a request
for a tree that is there is the same request.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from flows.steps.project.pipeline import run_stage
from handrail.delivery import TurnLimits, Turns
from handrail.delivery.adapters.sql_turns import MIGRATIONS, SqlTurns
from handrail.storage import migrate, open_store

MOMENTS = ("taken", "prepared", "fitted", "required", "asked", "ended")
LEASE_S = 2.0
NOW = datetime(2026, 11, 30, tzinfo=UTC)
GRAPH = """
stages:
  prepare:
    cmd: echo prepare >> {notes} && echo 3 > rows
    outs: [rows]
  fit:
    cmd: echo fit >> {notes} && cp rows model
    deps: [rows]
    outs: [model]
"""


def lay_out(folder: Path) -> Path:
    """Make a project with the pipeline, and return its folder."""
    project = folder / "project"
    project.mkdir()
    (project / "dvc.yaml").write_text(GRAPH.format(notes=folder / "ran"))
    for command in (["git", "init", "--quiet"], [str(Path(sys.executable).with_name("dvc")), "init", "--quiet"]):
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return project


def turns_of(url: str) -> Turns:
    """Open the turns in a database."""
    store = open_store(url)
    migrate(store, "delivery_turns", MIGRATIONS)
    return Turns(SqlTurns(store), TurnLimits(attempts=10), lambda: NOW, LEASE_S)


def retrain(folder: Path, url: str, trigger: str, die_at: str | None) -> None:
    """Train and ask as the flow does, or be killed at a moment."""
    project = folder / "project"

    def passed(moment: str) -> None:
        if moment == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with turns_of(url).hold(trigger, automatic=True) as turn:
        if turn.earlier is not None:
            return
        passed("taken")
        run_stage(project, "prepare")
        passed("prepared")
        run_stage(project, "fit")
        passed("fitted")
        turn.require()
        passed("required")
        asked = folder / "asked"
        request = (project / "model").read_text()
        if not asked.exists() or request not in asked.read_text():
            with asked.open("a") as stream:
                stream.write(request)
        passed("asked")
        turn.finish({"request": request})
    passed("ended")


if __name__ == "__main__":
    retrain(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] or None)
