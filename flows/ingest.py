"""The flow `ingest`: the pipeline's data stages in a clone, then the feature store's definitions and online rows."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks
from flows.steps.stage_tasks import run_stages


class IngestParameters(BaseModel):
    """Where from; which window is in params.yaml."""

    project: Path | None = Field(default=None, description="Repository to work from; Handrail's own project if empty.")


DEFAULTS = IngestParameters()


@task(persist_result=False)
def publish_features(project: Path) -> dict[str, int]:
    """Register the feature definitions and write online what is known by now."""
    return tasks.publish_features(project)


@flow(flow_run_name="ingest what is known by now")
def ingest(parameters: IngestParameters = DEFAULTS) -> dict[str, Any]:
    """Acquire, validate and join features; leave the feature store ready to serve."""
    recorded = run_stages(parameters.project, "features")
    return recorded | {"published": publish_features(Path(recorded["project"]), wait_for=[recorded])}


if __name__ == "__main__":
    ingest()
