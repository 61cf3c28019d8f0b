"""The flow `deploy`: build the bento for a permitted tree and point the environment at it."""

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


DEFAULTS = DeployParameters()


@task(persist_result=False)
def build_and_point(tree_digest: str | None, account: str | None) -> dict[str, Any]:
    """Build what the permit allows, verify it, record it."""
    return tasks.deploy(tree_digest, account)


@flow
def deploy(parameters: DeployParameters = DEFAULTS) -> dict[str, Any]:
    """Deploy a permitted tree; without a permit for exactly these bytes it is refused."""
    return build_and_point(parameters.tree_digest, parameters.account)


if __name__ == "__main__":
    deploy()
