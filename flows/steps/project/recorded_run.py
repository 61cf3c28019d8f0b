"""What is kept of one run of the pipeline in a clone: a commit, the data on the remote, and lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.steps.project import workspace
from flows.steps.project.dvc_files import push
from handrail.bootstrap import Platform, open_platform
from handrail.lineage import ActivityDetails
from handrail.settings import load_settings


def record_run(project: Path, outcomes: Mapping[str, str], committer: str = workspace.FLOWS) -> dict[str, Any]:
    """Commit dvc.lock and the evidence beside it, copy the data to the remote, write lineage. Safe to repeat.

    `outcomes` has the outcome of each stage by its name.
    """
    commit = workspace.commit(project, "Record a pipeline run", _evidence(project), committer)
    push(project)
    settings = load_settings().model_copy(update={"project": project})
    with open_platform(settings) as platform:
        runs = platform.lineage.record_pipeline(project, commit).runs()
        _place_in_flow_run(platform, [runs[stage] for stage, outcome in outcomes.items() if outcome == "ran"])
    return {"project": str(project), "commit": commit, "outcomes": dict(outcomes)}


def _place_in_flow_run(platform: Platform, stages: Sequence[str]) -> None:
    """Record that these runs of stages happened in the current flow run, if there is one."""
    # Prefect keeps the settings that it finds when it is imported: the demo sets them after its own imports.
    from handrail.prefect import current_flow_run

    flow_run = current_flow_run()
    if flow_run is None:
        return
    flow_run.record(platform.lineage, platform.settings.environment)
    within = [flow_run.uri(platform.settings.environment)]
    for stage in stages:
        details = ActivityDetails(asserted_by="prefect", within=within)
        platform.lineage.record_activity(stage, "dvc-stage", details=details)


def _evidence(project: Path) -> list[str]:
    """Return what a run may leave for git: the lock, DVC's ignore lists, and metrics that DVC does not cache."""
    found = [*project.glob("*/.gitignore"), *project.glob("reports/*.json"), *project.glob("data/*.json")]
    return ["dvc.lock", ".gitignore", *sorted(str(file.relative_to(project)) for file in found)]
