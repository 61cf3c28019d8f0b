"""The flow `train`: the graph of dvc.yaml, a task a stage, in a clone. It defines no graph of its own."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks
from flows.steps.project.pipeline import Stage


class TrainParameters(BaseModel):
    """What may differ between two training runs; everything else is in params.yaml."""

    project: Path | None = Field(default=None, description="Repository to train from; Handrail's own project if empty.")
    until: str | None = Field(default=None, description="Last stage to run; the whole pipeline if empty.")
    account: str | None = Field(
        default=None, description="Credentials file (its name without .json) to log to the MLflow server with."
    )


DEFAULTS = TrainParameters()


@task(task_run_name="stage {stage.name}", persist_result=False)
def run_stage(project: Path, stage: Stage, account: str | None) -> dict[str, Any]:
    """Bring one stage up to date."""
    return tasks.run_stage(project, stage, account)


@task(persist_result=False)
def record_run(project: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Commit what DVC recorded, and write the pipeline's lineage."""
    return tasks.record_run(project, results)


@flow
def train(parameters: TrainParameters = DEFAULTS) -> dict[str, Any]:
    """Run the pipeline of a clone up to date; return what each stage came to and the commit that records it."""
    project, stages = tasks.plan(parameters.project, parameters.until)
    results: dict[str, dict[str, Any]] = {}
    for stage in stages:
        before = [results[name] for name in stage.after]
        results[stage.name] = run_stage(project, stage, parameters.account, wait_for=before)
    return record_run(project, list(results.values()))


if __name__ == "__main__":
    train()
