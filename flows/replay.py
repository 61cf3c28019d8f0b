"""The flow `replay`: play whole recorded days against the running bento, then score the rest in bulk."""

from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks


class ReplayParameters(BaseModel):
    """How much is replayed over HTTP."""

    days: int = Field(default=10, ge=1, description="Whole days, spread over the recorded time after go-live.")


DEFAULTS = ReplayParameters()


@task(persist_result=False)
def play(days: int) -> dict[str, Any]:
    """Send the days hour by simulated hour; continues where an interrupted replay stopped."""
    return tasks.replay(days)


@flow(flow_run_name="replay {parameters.days} days")
def replay(parameters: ReplayParameters = DEFAULTS) -> dict[str, Any]:
    """Replay recorded days as production; only in replay mode."""
    return play(parameters.days)


if __name__ == "__main__":
    replay()
