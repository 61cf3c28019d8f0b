"""Permits as files: <server>/<model>/<alias>/<hex of the tree digest>.json below one folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from handrail.approvals.domain.permit import Permit
from handrail.approvals.ports import PermitShelf
from handrail.errors import InvalidInput
from handrail.files import replace_file
from handrail.refs import Use

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LONGEST = 100
"""Characters of a folder's name; a longer name ends in its hash."""


class FolderShelf(PermitShelf):
    """Keeps the promise of `PermitShelf`."""

    def __init__(self, folder: Path, companions: Mapping[str, Callable[[Permit], bytes]] | None = None) -> None:
        """Write below the folder. `companions` make what lies beside each permit, by the end of its name (`.sig`)."""
        self._folder = folder
        self._companions = companions or {}

    def put(self, permit: Permit, envelope: str) -> None:
        """Write the permit under its use and its tree's digest, after what lies beside it.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        file = permit_file(self._folder, permit.use, permit.tree_digest)
        for ending, make in self._companions.items():
            replace_file(file.with_suffix(ending), make(permit))
        replace_file(file, envelope.encode("utf-8"))

    def put_revoked(self, envelope: str) -> None:
        """Write the list.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        replace_file(revoked_file(self._folder), envelope.encode("utf-8"))


def revoked_file(folder: Path) -> Path:
    """Return the file of the list of permits that were taken back; it lies beside the gate's public key."""
    return folder / "revoked.dsse"


def permit_file(folder: Path, use: Use, tree_digest: str) -> Path:
    """Return the file of the permit of an alias for a tree; the environment is in the permit, not in the name.

    Raises:
        InvalidInput: the text is not `sha256:` with 64 hex digits, so that it could name a file elsewhere.
    """
    if not _DIGEST.fullmatch(tree_digest):
        raise InvalidInput("tree_digest", f"{tree_digest!r} is not a sha256", "Give sha256: and 64 hex digits.")
    place = folder.joinpath(*map(_folder_name, (use.server, use.model, use.alias)))
    return place / f"{tree_digest.removeprefix('sha256:')}.json"


def _folder_name(name: str) -> str:
    """Spell a name so that it is one folder, below, and another name is another one on every file system."""
    escaped = quote(name, safe="").replace(".", "%2E")
    if len(escaped) <= LONGEST and escaped == escaped.lower():
        return escaped
    # Some file systems take two cases for one.
    return f"{escaped[:LONGEST].lower()}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:16]}"
