"""What is served: the bento that a slot's pointer names, and verified copies of the bytes that a bento carries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.delivery.domain import TREE, BuiltBento, Carried, Slot, Verified
from handrail.delivery.ports import Bentos, Deployments, Permits
from handrail.errors import Refused, Unavailable


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
    """Return what lies below `root`, None if there is neither tree nor permit, as in a fresh checkout.

    Raises:
        Refused: one is there without the other.
    """
    carried = Carried.below(root)
    missing = [path for path in (carried.tree, carried.permit) if not path.exists()]
    if len(missing) == 1:
        raise Refused("Serving this bento", (f"{missing[0]} is missing. Build the bento again.",))
    return None if missing else carried


@contextmanager
def lend_verified(permits: Permits, carried: Carried) -> Iterator[Verified]:
    """Verify the carried bytes while copying them into a folder of this process; lend the copy, then remove it.

    Load from the copy (`.tree`), never from the bento: its files may change after they were verified.

    Raises:
        Refused: no permit covers exactly these bytes; the sentence names the first file that differs.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-model-") as folder:
        copy = Path(folder) / TREE
        yield Verified(copy, permits.verify(carried.tree, carried.permit, copy))
