"""Bringing the log's files up to what the ledger has committed. It may be killed at any point, and repeated."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.merkle import EMPTY_ROOT, root_from_inclusion
from handrail.approvals.domain.notes import Checkpoint, Note, Signature, VerifierKey
from handrail.approvals.domain.tiles import WIDTH
from handrail.approvals.ports import LeafLog, LogFiles, Witnesses


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes what was logged since the last checkpoint; the log signs under `key`."""

    log: LeafLog
    files: LogFiles
    key: VerifierKey
    witnesses: Witnesses | None = None

    def catch_up(self) -> Note:
        """Write all that is committed, the checkpoint last, and return it.

        Raises:
            LogMismatch: the files and the ledger are not one log; nothing was written.
            Unavailable: the disk is full, or the folder cannot be written.
        """
        with self.files.writing():
            checkpoint, signature = self.log.checkpoint()
            note = Note(checkpoint.text, (Signature(self.key.name, self.key.key_id, signature),))
            published = self.files.published()
            before = Checkpoint.parse(published.text) if published else Checkpoint(self.key.name, 0, EMPTY_ROOT)
            self._refuse_another_log(before, checkpoint)
            if published and before.size == checkpoint.size:
                return published
            for first in range(before.size // WIDTH * WIDTH, checkpoint.size, WIDTH):
                self.files.put(self.log.read(first, min(first + WIDTH, checkpoint.size)))
            self.files.finish(before.size, note)
            return note

    def collect(self, note: Note) -> Note:
        """Have the checkpoint cosigned, and write it with the cosignatures unless a newer one is there by now."""
        size = Checkpoint.parse(note.text).size
        found = self.witnesses.cosign(note, lambda old: self.files.continues(old, size)) if self.witnesses else ()
        if not found:
            return note
        cosigned = Note(note.text, (*note.signatures, *found))
        with self.files.writing():
            published = self.files.published()
            if published and published.text == note.text:
                self.files.replace_checkpoint(cosigned)
        return cosigned

    def _refuse_another_log(self, before: Checkpoint, now: Checkpoint) -> None:
        """Refuse to go on after a checkpoint that the ledger's log does not begin with."""
        if before.origin != now.origin:
            raise LogMismatch("The log's files", f"are those of {before.origin!r}, and the ledger's {now.origin!r}")
        if before.size > now.size:
            raise LogMismatch(
                "The ledger's log", f"has {now.size} leaves, and {before.size} were published: its end was removed"
            )
        if before.size and self._root_at(before.size) != before.root:
            raise LogMismatch("The ledger's log", f"has another root at leaf {before.size} than was published")

    def _root_at(self, size: int) -> bytes | None:
        last = self.log.read(size - 1, size)
        return root_from_inclusion(last[0].hash, size - 1, size, last[0].proof) if last else None
