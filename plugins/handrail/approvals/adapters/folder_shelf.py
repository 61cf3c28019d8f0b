"""Permits as files: <hex of the tree digest>.json in one folder."""

from __future__ import annotations

import re
from pathlib import Path

from handrail.approvals.domain.permit import Permit
from handrail.approvals.ports import PermitShelf
from handrail.errors import InvalidInput
from handrail.files import replace_file

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class FolderShelf(PermitShelf):
    """Keeps the promise of `PermitShelf`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, permit: Permit, envelope: str) -> None:
        """Write the permit under its tree's digest.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        replace_file(permit_file(self._folder, permit.tree_digest), envelope.encode("utf-8"))


def permit_file(folder: Path, tree_digest: str) -> Path:
    """Return the file of the permit for a tree.

    Raises:
        InvalidInput: the text is not `sha256:` with 64 hex digits, so that it could name a file elsewhere.
    """
    if not _DIGEST.fullmatch(tree_digest):
        raise InvalidInput("tree_digest", f"{tree_digest!r} is not a sha256", "Give sha256: and 64 hex digits.")
    return folder / f"{tree_digest.removeprefix('sha256:')}.json"
