"""What a slot serves: the bento that its pointer names."""

from __future__ import annotations

from handrail.delivery.domain import BuiltBento, Slot
from handrail.delivery.ports import Bentos, Deployments
from handrail.errors import Unavailable


def find_serving(slot: Slot, bentos: Bentos, deployments: Deployments) -> BuiltBento | None:
    """Return the bento that the slot points at, None while nothing was deployed.

    Raises:
        Unavailable: the bento that was deployed is not in the local store (any more).
    """
    target = deployments.target(slot.pointer)
    if target is None:
        return None
    tag = slot.tag_of(target)
    built = bentos.find(tag.version)
    if built is None:
        raise Unavailable(
            f"The bento {tag.name}:{tag.version}", "it is deployed but not in the local store", "Deploy it again."
        )
    return built
