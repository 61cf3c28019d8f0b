"""What is served: the bento that a slot's pointer names, and verified copies of the bytes that a bento carries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.delivery.domain import TREE, BuiltBento, Carried, Slot, Verified
from handrail.delivery.ports import Bentos, Deployments, Permits
from handrail.errors import Refused, Unavailable
from handrail.refs import Use


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


def find_carried(root: Path) -> Carried | None:
    """Return what lies below `root`, None if nothing of it is there, as in a fresh checkout.

    Raises:
        Refused: a part is missing.
    """
    carried = Carried.below(root)
    parts = (carried.tree, carried.permit, carried.use)
    missing = [path for path in parts if not path.exists()]
    if missing and len(missing) < len(parts):
        raise Refused("Serving this bento", (f"{missing[0]} is missing. Build the bento again.",))
    return None if missing else carried


@contextmanager
def lend_verified(permits: Permits, carried: Carried, expect: Use) -> Iterator[Verified]:
    """Verify the carried bytes for a use while copying them into a private folder; lend the copy, then remove it.

    Load from the copy (`.tree`), never from the bento: its files may change after they were verified.

    Raises:
        Refused: the permit is for another use, or not for exactly these bytes; the sentence says which.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-model-") as folder:
        copy = Path(folder) / TREE
        yield Verified(copy, permits.verify(carried.tree, carried.permit, copy, expect))
