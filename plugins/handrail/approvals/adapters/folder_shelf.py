"""Permits as files: <hex of the tree digest>.json in one folder."""

from __future__ import annotations

from pathlib import Path

from handrail.approvals.domain.permit import Permit
from handrail.approvals.ports import PermitShelf
from handrail.files import replace_file


class FolderShelf(PermitShelf):
    """Keeps the promise of `PermitShelf`."""

    def __init__(self, folder: Path) -> None:
        """Put permits into this folder."""
        self._folder = folder

    def put(self, permit: Permit, envelope: str) -> None:
        """Write the permit under its tree's digest.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        replace_file(permit_file(self._folder, permit.tree_digest), envelope.encode("utf-8"))


def permit_file(folder: Path, tree_digest: str) -> Path:
    """Return the file of the permit for a tree."""
    return folder / f"{tree_digest.removeprefix('sha256:')}.json"
