"""The flow `ingest`: the pipeline's data stages in a clone, then the feature store's definitions and online rows."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks
from flows.steps.project.pipeline import Stage


class IngestParameters(BaseModel):
    """Where from; which window is in params.yaml."""

    project: Path | None = Field(default=None, description="Repository to work from; Handrail's own project if empty.")


DEFAULTS = IngestParameters()


@task(task_run_name="stage {stage.name}", persist_result=False)
def run_stage(project: Path, stage: Stage) -> dict[str, Any]:
    """Bring one stage up to date."""
    return tasks.run_stage(project, stage)


@task(persist_result=False)
def record_run(project: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Commit what DVC recorded, and write the pipeline's lineage."""
    return tasks.record_run(project, results)


@task(persist_result=False)
def publish_features(project: Path) -> dict[str, int]:
    """Register the feature definitions and write online what is known by now."""
    return tasks.publish_features(project)


@flow
def ingest(parameters: IngestParameters = DEFAULTS) -> dict[str, Any]:
    """Acquire, validate and join features; leave the feature store ready to serve."""
    project, stages = tasks.plan(parameters.project, "features")
    results: dict[str, dict[str, Any]] = {}
    for stage in stages:
        before = [results[name] for name in stage.after]
        results[stage.name] = run_stage(project, stage, wait_for=before)
    recorded = record_run(project, list(results.values()))
    return recorded | {"published": publish_features(project, wait_for=[recorded])}


if __name__ == "__main__":
    ingest()
