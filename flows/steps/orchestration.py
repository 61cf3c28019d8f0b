"""What the tasks of the pipeline's flows do: plan the graph, run a stage of it, record what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.steps import pipeline, workspace
from flows.steps.accounts import tracking_environment
from handrail.bootstrap import open_platform
from handrail.settings import load_settings


def plan(project: Path | None, until: str | None) -> tuple[Path, tuple[pipeline.Stage, ...]]:
    """Open the clone to work in, check its tracked files, and return its folder and the stages in order."""
    folder = workspace.open_workspace(load_settings(), project).folder
    stages = pipeline.read_graph(folder, until)
    pipeline.check_tracked_files(folder)
    return folder, stages


def run_stage(
    project: Path, stage: pipeline.Stage, account: str | None = None, report: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Bring one stage up to date, logging to the MLflow server as `account` if one is named."""
    return asdict(pipeline.run_stage(project, stage.name, tracking_environment(load_settings(), account), report))


def record_run(project: Path, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Commit dvc.lock and the evidence beside it, and write the pipeline's lineage. Safe to repeat."""
    commit = workspace.commit(project, "Record a pipeline run", _evidence(project))
    platform = open_platform()
    try:
        platform.lineage.record_pipeline(project, commit)
    finally:
        platform.close()
    outcomes = {result["stage"]: result["outcome"] for result in results}
    return {"project": str(project), "commit": commit, "outcomes": outcomes}


def _evidence(project: Path) -> list[str]:
    """Return what a run may leave for git: the lock, DVC's ignore lists, and metrics that DVC does not cache."""
    found = [*project.glob("*/.gitignore"), *project.glob("reports/*.json"), *project.glob("data/*.json")]
    return ["dvc.lock", ".gitignore", *sorted(str(file.relative_to(project)) for file in found)]
