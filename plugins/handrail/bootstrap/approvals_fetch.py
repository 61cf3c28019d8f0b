"""Lays out what a use allows from the gate's own copies, on the gate's machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from handrail.bootstrap.approvals import open_approvals, open_permit_verifier
from handrail.bootstrap.approvals_copies import open_copies
from handrail.refs import Use
from handrail.settings import Settings
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.approvals import Permit


def fetch_from_store(settings: Settings, store: Callable[[], Store], use: Use, into: Path) -> Permit:
    """Lay out the newest permitted tree, verified; no server is asked.

    Raises:
        UnknownReference: nothing was promoted for this use, or its tree is from before the gate kept copies.
        Refused: the permit does not allow the use any more, or a copy was altered.
    """
    envelope = open_approvals(settings, store).permit(use).encode("utf-8")
    verifier = open_permit_verifier(settings)
    permit = verifier.read(envelope)
    verifier.require_use(permit, use, str(use))
    with TemporaryDirectory(prefix="handrail-copy-") as folder:
        open_copies(settings).lay_out(permit.tree_digest, Path(folder) / "tree")
        return verifier.verify(Path(folder) / "tree", envelope, into, use)
