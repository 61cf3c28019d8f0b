"""The stages of dvc.yaml as Prefect tasks, for the flows that run them."""

from pathlib import Path
from typing import Any

from prefect import task

from flows.steps import tasks
from flows.steps.project.pipeline import Stage


@task(task_run_name="stage {stage.name}", persist_result=False)
def run_stage(project: Path, stage: Stage, account: str | None) -> dict[str, Any]:
    """Bring one stage up to date."""
    return tasks.run_stage(project, stage, account)


@task(persist_result=False)
def record_run(project: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Commit what DVC recorded, and write the pipeline's lineage."""
    return tasks.record_run(project, results)


def run_stages(source: Path | None, until: str | None, account: str | None = None) -> dict[str, Any]:
    """Run the graph of a clone of `source`, a task a stage, as far as `until`; return the recorded run."""
    project, stages = tasks.plan(source, until)
    results: dict[str, dict[str, Any]] = {}
    for stage in stages:
        before = [results[name] for name in stage.after]
        results[stage.name] = run_stage(project, stage, account, wait_for=before)
    return record_run(project, list(results.values()))
