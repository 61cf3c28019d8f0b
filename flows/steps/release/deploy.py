"""Deploys the use case: Handrail's delivery with the project's own recipe, and with a desk that fetches the tree.

Nothing here starts or stops a server: `infra.servers.bento` serves what the environment points at.
"""

from __future__ import annotations

from flows.steps.release.desk import Desk
from flows.steps.release.recipe import ProjectRecipe
from handrail.bootstrap.delivery import open_bentos, open_deployer
from handrail.delivery import Bentos, Deployed, Slot
from handrail.entrypoints.cli.env import tool_environment
from handrail.settings import Settings
from handrail.use_case import read_use_case


def deploy(desk: Desk, tree_digest: str) -> Deployed:
    """Build the bento for a permitted tree and point the environment at it. Safe to repeat and to interrupt.

    Args:
        desk: fetches the tree from the registry if the project does not hold it (any more); its platform records
            the deployment.
        tree_digest: `sha256:<hex>` of the artifact tree; a permit for it has to exist.

    Raises:
        UnknownReference: there is no permit for the tree.
        Refused: permit and bytes do not agree.
        Unavailable: the build failed, or the registry cannot be reached.
    """
    deployer = open_deployer(desk.platform, ProjectRecipe(desk.settings), tool_environment(desk.settings))
    return deployer.deploy(tree_digest, desk)


def slot_of(settings: Settings) -> Slot:
    """Return the slot of the project's bento in this environment."""
    return Slot(settings.environment, read_use_case(settings.project).name)


def bentos_of(settings: Settings) -> Bentos:
    """Return the project's bentos."""
    return open_bentos(settings, read_use_case(settings.project).name)
