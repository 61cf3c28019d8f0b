"""Opens the gate's own copies of trees."""

from __future__ import annotations

from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.settings import Settings


def open_copies(settings: Settings) -> FolderCopies:
    """Open the copies below `snapshots/` in this home; there are some only on the gate's machine."""
    return FolderCopies(settings.home / "snapshots")
