"""Runs one stage of a DVC project again, whatever DVC remembers of it, and ends it with everything that it started."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from handrail.dvc_command import run_dvc, sentence_of
from handrail.errors import Unavailable
from handrail.lineage import LockedStage
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.lock_files import locked_stages
from handrail.lineage.adapters.dvc.trees import TreeInCommit, TreeOnDisk
from handrail.reproduction.adapters.dvc_fit import commit_fits
from handrail.reproduction.domain.recorded import CommitPlace
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
        """Return the entry of a stage that the clone's lock files hold now."""
        held = locked_stages(TreeOnDisk(project), Place(project, prefix=GitCommits(project).prefix))
        return next((one for one in held if one.name == stage), None)

    def stages(self, place: CommitPlace) -> tuple[LockedStage, ...]:
        """Return the stages that the lock files of a commit hold."""
        git, where = _located(place)
        return locked_stages(TreeInCommit(git, place.commit), where)

    def fits(self, place: CommitPlace, stage: LockedStage) -> bool:
        """Return whether a commit holds the code, the tracked data and the parameters that a stage's entry names."""
        git, where = _located(place)
        return commit_fits(git, place.commit, where, stage)


def _located(place: CommitPlace) -> tuple[GitCommits, Place]:
    repository = Path(place.repository)
    return GitCommits(repository, place.prefix), Place(repository / place.prefix, prefix=place.prefix)
