"""The flow `deploy`: build the bento for a permitted tree, point the environment at it, see the service answer."""

from typing import Any

from prefect import flow, task
from pydantic import BaseModel, Field

from flows.steps import tasks


class DeployParameters(BaseModel):
    """Which tree is deployed."""

    tree_digest: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Digest of a permitted tree; that of the packaged tree if empty.",
    )
    account: str | None = Field(
        default=None, description="Credentials file to fetch the tree from the registry with, if it is not here."
    )
    wait_s: float = Field(default=120, ge=0, le=3600, description="Seconds to wait until the running service follows.")

    @property
    def which(self) -> str:
        """What the run is called after."""
        return self.tree_digest[:19] if self.tree_digest else "the packaged tree"


DEFAULTS = DeployParameters()


@task(persist_result=False)
def build_and_point(tree_digest: str | None, account: str | None) -> dict[str, Any]:
    """Build what the permit allows, verify it, record it."""
    return tasks.deploy(tree_digest, account)


@task(persist_result=False)
def await_service(deployment: str, wait_s: float) -> str:
    """Return whether the running service follows the deployment, or what to do."""
    return tasks.await_service(deployment, wait_s)


@flow(flow_run_name="deploy {parameters.which}")
def deploy(parameters: DeployParameters = DEFAULTS) -> dict[str, Any]:
    """Deploy a permitted tree; without a permit for exactly these bytes it is refused."""
    deployed = build_and_point(parameters.tree_digest, parameters.account)
    return {**deployed, "service": await_service(deployed["deployment"], parameters.wait_s)}


if __name__ == "__main__":
    deploy()
