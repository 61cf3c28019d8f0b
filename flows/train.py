"""The flow `train`: the graph of dvc.yaml, a task a stage, in a clone. It defines no other graph."""

from pathlib import Path
from typing import Any

from prefect import flow
from pydantic import BaseModel, Field

from flows.steps.stage_tasks import run_stages


class TrainParameters(BaseModel):
    """What may differ between two training runs; everything else is in params.yaml."""

    project: Path | None = Field(default=None, description="Repository to train from; Handrail's own project if empty.")
    until: str | None = Field(default=None, description="Last stage to run; the whole pipeline if empty.")
    account: str | None = Field(
        default=None, description="Credentials file (its name without .json) to log to the MLflow server with."
    )

    @property
    def which(self) -> str:
        """What the run is called after."""
        return f"up to {self.until}" if self.until else "the whole graph"


DEFAULTS = TrainParameters()


@flow(flow_run_name="train {parameters.which}")
def train(parameters: TrainParameters = DEFAULTS) -> dict[str, Any]:
    """Run the pipeline of a clone up to date; return the outcome of each stage and the commit that records them."""
    return run_stages(parameters.project, parameters.until, parameters.account)


if __name__ == "__main__":
    train()
