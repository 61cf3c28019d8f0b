"""Runs one stage of a DVC project again, whatever DVC remembers of it, and ends it with everything that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from handrail.errors import Unavailable
from handrail.lineage import LockedStage
from handrail.lineage.adapters.dvc.pipeline import LOCK, locked_stages
from handrail.reproduction.ports import StageRunner
from handrail.tools import require

FORCED = ("repro", "--single-item", "--force", "--no-run-cache", "--no-commit")
GONE = ("HANDRAIL_", "MLFLOW_", "PREFECT_", "PREFECT__", "BENTOML_", "DVC_", "FEAST_", "OPENLINEAGE_", "GIT_")
ROUTINE = ("ERROR: failed to reproduce", "> ", "Running stage", "Updating lock file", "Use `dvc push`", "To track")


class DvcStageRuns(StageRunner):
    """The runner of stages; nothing of this process's own project reaches them."""

    def run(
        self, project: Path, stage: str, environment: Mapping[str, str], report: Callable[[str], None]
    ) -> LockedStage:
        """Run a stage of the clone `project` and return its new entry; `report` gets each line that it prints.

        Raises:
            Unavailable: the stage failed; the sentence is its own.
        """
        require("dvc", "dvc")
        lines = _run(project, stage, environment, report)
        entry = self.entry(project, stage)
        if entry is None:
            raise Unavailable(f"The stage {stage!r}", _sentence(lines), "Is it in dvc.yaml?")
        return entry

    def entry(self, project: Path, stage: str) -> LockedStage | None:
        """Return the entry of a stage that the clone's lock file holds now."""
        lock = project / LOCK
        held = self.stages(lock.read_bytes()) if lock.is_file() else ()
        return next((one for one in held if one.name == stage), None)

    def stages(self, lock: bytes) -> tuple[LockedStage, ...]:
        """Return the stages of a lock file."""
        return locked_stages(LOCK, lock)


def _run(project: Path, stage: str, environment: Mapping[str, str], report: Callable[[str], None]) -> Sequence[str]:
    lines: list[str] = []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(GONE)}
    with (
        subprocess.Popen(
            [sys.executable, "-m", "dvc", *FORCED, stage],
            cwd=project,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
        contextlib.ExitStack() as undo,
    ):
        undo.callback(_interrupt, process)
        for line in process.stdout or ():
            lines.append(line.rstrip())
            report(line.rstrip())
        code = process.wait()
        undo.pop_all()
    if code:
        raise Unavailable(f"The stage {stage!r}", f"it failed: {_sentence(lines)}", "Correct that; run it again.")
    return lines


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End DVC and its stage together: DVC alone would leave the stage running."""
    for what, within_s in ((signal.SIGINT, 20), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, what)
            process.wait(within_s)
            return


def _sentence(lines: Sequence[str]) -> str:
    printed = [line for line in lines if line.strip()]
    own = [line for line in printed if not line.startswith(ROUTINE)]
    return (own or printed or ["it printed nothing"])[-1].removeprefix("ERROR: ").rstrip(".")
