"""Reads the end of a log's files for people: its checkpoint, who has signed it, and what happened last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.approvals.adapters.ed25519_notes import is_signed
from handrail.approvals.adapters.folder_log import FolderLog, read_tile
from handrail.approvals.domain import tiles
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.notes import Checkpoint, VerifierKey


@dataclass(frozen=True, slots=True)
class LogState:
    """A checkpoint that the log's own key has signed: the tree's size and root, and the names of all who signed.

    `leaves` are the latest ones as JSON objects, newest first; they are shown, not verified.
    """

    origin: str
    size: int
    root: str
    signers: tuple[str, ...]
    leaves: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads the files below `folder`, of the log with this public key."""

    folder: Path
    key: VerifierKey

    def state(self, most: int) -> LogState | None:
        """Return the checkpoint with at most so many leaves, None where nothing was published yet.

        Raises:
            LogMismatch: the checkpoint is not signed by the log's key, or files of the log are missing.
        """
        note = FolderLog(self.folder).published()
        if note is None:
            return None
        if not is_signed(note, self.key):
            raise LogMismatch(f"The checkpoint {self.folder / tiles.CHECKPOINT}", "is not signed by the log's own key")
        checkpoint = Checkpoint.parse(note.text)
        signers = tuple(dict.fromkeys(signature.name for signature in note.signatures))
        leaves = self._latest(checkpoint.size, most)
        return LogState(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), signers, leaves)

    def _latest(self, size: int, most: int) -> tuple[dict[str, Any], ...]:
        found: list[dict[str, Any]] = []
        for index, width in reversed(list(tiles.tiles_of(size))):
            try:
                leaves, _ = tiles.leaves_of(read_tile(self.folder, tiles.ENTRIES, index, width))
                found += [json.loads(leaf) for leaf in reversed(leaves[:width])]
            except (OSError, ValueError) as err:
                raise LogMismatch(f"The log below {self.folder}", f"cannot be read: {err}") from err
            if len(found) >= most:
                break
        return tuple(found[:most])
