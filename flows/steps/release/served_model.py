"""The model that a deployment serves, opened from the bytes that its bento carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.steps.release.deploy import bentos_of, slot_of
from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import lend_carried, open_deployments
from handrail.delivery import find_carried
from handrail.errors import Unavailable
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.scoring import Scorer


@dataclass(frozen=True)
class ServedModel:
    """The model that a deployment serves, loaded from verified bytes."""

    deployment: str
    tree_digest: str
    scorer: Scorer


def serving_deployment(platform: Platform) -> str:
    """Return the URI of the deployment that this environment serves now.

    Raises:
        Unavailable: nothing was deployed yet.
    """
    target = open_deployments(platform).target(slot_of(platform.settings).pointer)
    if target is None:
        raise Unavailable("This environment", "nothing is deployed in it", "Deploy a permitted model first.")
    return target


def open_model(settings: Settings, deployment: str) -> ServedModel:
    """Load the model that a deployment serves, from a private copy of what its bento carries.

    Raises:
        Unavailable: the bento is not in this store.
        Refused: no permit covers exactly these bytes.
    """
    from handrail.scoring import Scorer

    bento = bentos_of(settings).find(slot_of(settings).tag_of(deployment).version)
    carried = find_carried(bento.root) if bento else None
    if carried is None:
        raise Unavailable(f"The bento of {deployment}", "it is not in the local store", "Deploy that model again.")
    with lend_carried(settings, carried) as verified:
        return ServedModel(deployment, verified.permitted.tree_digest, Scorer.load(verified.tree))
