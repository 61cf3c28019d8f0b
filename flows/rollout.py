"""The flow `rollout`: one registered version from shadow over canary to champion, as far as it can go now."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import rollout_tasks


class RolloutParameters(BaseModel):
    """Which version is led, and by whom."""

    project: Path | None = Field(
        default=None,
        description="Clone that holds the packaged tree, such as .handrail/retrain/project; the flows' own if empty.",
    )
    handed_over: bool = Field(
        default=False,
        description="Lead what retrainings handed over (then: rollout in config/retraining.yaml), and nothing else.",
    )
    account: str = Field(default="author", description="Credentials file (its name without .json) of the author.")


DEFAULTS = RolloutParameters()


@task(persist_result=False)
def advance(parameters: RolloutParameters) -> dict[str, Any]:
    """Do the next thing, or say what the rollout waits for or how it ended."""
    return rollout_tasks.advance_rollout(parameters.project, parameters.account)


@task(persist_result=False)
def lead_handed_over(account: str) -> list[dict[str, Any]]:
    """Lead each challenger that a retraining handed over as far as it can go now."""
    return rollout_tasks.lead_handed_over(account)


@flow(flow_run_name="rollout of the packaged version")
def rollout(parameters: RolloutParameters = DEFAULTS) -> dict[str, Any]:
    """Go on until people, outcomes or time are needed; run it again, by a schedule, for what comes then.

    Returns how far it came; of what was handed over a list of that, as `led`.
    """
    if parameters.handed_over:
        return {"led": lead_handed_over(parameters.account)}
    found = advance(parameters)
    for _ in range(rollout_tasks.MOST_STEPS):
        if not found["did"]:
            break
        found = advance(parameters)
    return found


if __name__ == "__main__":
    rollout()
