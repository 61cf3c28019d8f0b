"""Runs one stage of a DVC project again, whatever DVC remembers of it, and ends it with everything that it started."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from handrail.dvc_command import run_dvc, sentence_of
from handrail.errors import Unavailable
from handrail.lineage import LockedStage
from handrail.lineage.adapters.dvc.pipeline import LOCK, locked_stages
from handrail.reproduction.ports import StageRunner
from handrail.tools import require

FORCED = ("repro", "--single-item", "--force", "--no-run-cache", "--no-commit")
GONE = ("HANDRAIL_", "MLFLOW_", "PREFECT_", "PREFECT__", "BENTOML_", "DVC_", "FEAST_", "OPENLINEAGE_", "GIT_")


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
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(GONE)}
        code, lines = run_dvc(project, (*FORCED, stage), inherited | dict(environment), report)
        if code:
            raise Unavailable(f"The stage {stage!r}", f"it failed: {sentence_of(lines)}", "Correct that; run it again.")
        entry = self.entry(project, stage)
        if entry is None:
            raise Unavailable(f"The stage {stage!r}", sentence_of(lines), "Is it in dvc.yaml?")
        return entry

    def entry(self, project: Path, stage: str) -> LockedStage | None:
        """Return the entry of a stage that the clone's lock file holds now."""
        lock = project / LOCK
        held = self.stages(lock.read_bytes()) if lock.is_file() else ()
        return next((one for one in held if one.name == stage), None)

    def stages(self, lock: bytes) -> tuple[LockedStage, ...]:
        """Return the stages of a lock file."""
        return locked_stages(LOCK, lock)
