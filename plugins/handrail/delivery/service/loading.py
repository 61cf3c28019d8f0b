"""Verified load: what a bento carries is copied while it is hashed, and only the copy is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.delivery.domain import TREE, Carried, Verified
from handrail.delivery.ports import Permits
from handrail.errors import Refused


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
