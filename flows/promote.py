"""The flow `promote`: register the packaged tree, ask for its promotion, wait for the sign-offs, read the permit."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks
from flows.steps.release.promote import is_open


class PromoteParameters(BaseModel):
    """What is asked for, and by whom."""

    account: str = Field(default="author", description="Credentials file (its name without .json) of the author.")
    alias: str = Field(default="champion", description="Alias to give to the trained model.")
    reason: str = Field(default="Trained by the pipeline.", description="One sentence for those who decide.")
    project: Path | None = Field(
        default=None, description="Clone that holds the packaged tree; the flows' own if empty."
    )
    wait_s: float = Field(default=60, ge=0, le=3600, description="Seconds to wait for decisions before suspending.")


DEFAULTS = PromoteParameters()


@task(persist_result=False)
def register(parameters: PromoteParameters) -> dict[str, Any]:
    """Make the tree one version of the registered model."""
    return tasks.register(parameters.project, parameters.account)


@task(persist_result=False)
def ask(parameters: PromoteParameters, registered: dict[str, Any]) -> dict[str, Any]:
    """Open the promotion request with the pipeline's evidence."""
    return tasks.ask(parameters.project, parameters.account, registered, parameters.alias, parameters.reason)


@task(persist_result=False)
def wait(parameters: PromoteParameters, request: dict[str, Any]) -> dict[str, Any]:
    """Wait a while for the decisions."""
    return tasks.wait(parameters.account, request, parameters.wait_s)


@task(persist_result=False)
def fetch_permit(parameters: PromoteParameters, request: dict[str, Any]) -> str:
    """Return the permit's file; a request that was not promoted is refused here, with the gate's reasons."""
    return tasks.fetch_permit(parameters.account, request)


@flow
def promote(parameters: PromoteParameters = DEFAULTS) -> dict[str, Any]:
    """Ask for a promotion and wait for the decision. The gate decides; a resumed run only reads the request again."""
    registered = register(parameters)
    request = wait(parameters, ask(parameters, registered))
    if is_open(request):
        tasks.suspend(request)
    return {"permit": fetch_permit(parameters, request), "request": request["request_id"], **registered}


if __name__ == "__main__":
    promote()
