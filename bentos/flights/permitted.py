"""The bytes that this bento carries and the permit for them: found, verified, and lent as a private copy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import Refused
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.approvals.adapters.ed25519_permits import VerifiedPermit

TREE = "model"
PERMIT = "permit.json"
NO_MODEL = (
    "No permitted model exists yet: nothing is served until the gate has approved one. "
    "Run `make demo`, or train, promote and deploy a model."
)


@dataclass(frozen=True, slots=True)
class Carried:
    """The artifact tree in a bento and the permit beside it, neither verified."""

    tree: Path
    permit: Path


def find_carried(root: Path) -> Carried | None:
    """Return what lies below `root`, None if there is neither tree nor permit, as in a fresh checkout.

    Raises:
        Refused: one is there without the other.
    """
    carried = Carried(root / TREE, root / PERMIT)
    there = {path.name: path.exists() for path in (carried.tree, carried.permit)}
    if not any(there.values()):
        return None
    if not all(there.values()):
        missing = next(name for name, exists in there.items() if not exists)
        raise Refused("Serving this bento", (f"{root / missing} is missing. Build the bento again.",))
    return carried


@contextmanager
def private_copy(settings: Settings, carried: Carried) -> Iterator[VerifiedPermit]:
    """Verify the carried bytes while copying them into a folder of this process; lend the copy, then remove it.

    Load from the copy (`.tree`), never from the bento: its files may change after they were verified.

    Raises:
        Refused: no permit covers exactly these bytes; the sentence names the first file that differs.
    """
    from handrail.bootstrap.approvals import open_permit_verifier

    verifier = open_permit_verifier(settings)
    with tempfile.TemporaryDirectory(prefix="handrail-model-") as folder:
        yield verifier.verify(carried.tree, carried.permit, Path(folder) / TREE)
