"""The flow `promote`: register the packaged tree, ask for its promotion, wait for the sign-offs, read the permit."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks


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
def ask(parameters: PromoteParameters, registered: dict[str, Any]) -> str:
    """Open the promotion request with the pipeline's evidence, and return its id."""
    request = tasks.ask(parameters.project, parameters.account, registered, parameters.alias, parameters.reason)
    return str(request["request_id"])


@task(persist_result=False)
def fetch_permit(parameters: PromoteParameters, request: dict[str, Any]) -> str:
    """Return the permit's file."""
    return tasks.fetch_permit(parameters.account, request)


@flow(flow_run_name="promote to {parameters.alias}")
def promote(parameters: PromoteParameters = DEFAULTS) -> dict[str, Any]:
    """Ask for a promotion and wait for the decision, which the gate makes. A resumed run keeps to its request."""
    request_id = tasks.awaited() or ask(parameters, register(parameters))
    request = tasks.await_decision(parameters.account, request_id, parameters.wait_s)
    made = {name: request[name] for name in ("model", "version", "run_id", "tree_digest")}
    return {"permit": fetch_permit(parameters, request), "request": request_id, **made}


if __name__ == "__main__":
    promote()
