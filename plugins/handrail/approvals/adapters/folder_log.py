"""The log as plain files that anybody can serve and check: C2SP tlog-tiles, with the checkpoint written last."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from handrail.approvals.domain import tiles
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import LoggedLeaf
from handrail.approvals.domain.merkle import HASH_BYTES, Node, consistency_proof, subtree_root, tree_root
from handrail.approvals.domain.notes import Checkpoint, Note
from handrail.approvals.domain.tiles import WIDTH, tile_path
from handrail.approvals.ports import LogFiles
from handrail.files import REMEDY, replace_file, unwritable


class FolderLog(LogFiles):
    """Keeps the promise of `LogFiles`. Partial tiles are removed once the whole tile is there."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Write below the folder, which is made; with `durable=False` a power cut may lose what was written."""
        self._folder = folder
        self._durable = durable

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other processes from writing meanwhile."""
        lock = self._folder / ".lock"
        with unwritable(lock, REMEDY):
            self._folder.mkdir(parents=True, exist_ok=True)
            stream = lock.open("w")
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def published(self) -> Note | None:
        """Return the last checkpoint that was written.

        Raises:
            LogMismatch: the file is no checkpoint, or cannot be read.
        """
        file = self._folder / tiles.CHECKPOINT
        try:
            note = Note.parse(file.read_bytes())
            Checkpoint.parse(note.text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as err:
            raise LogMismatch(f"The checkpoint {file}", f"cannot be read: {err}") from err
        return note

    def put(self, leaves: Sequence[LoggedLeaf]) -> None:
        """Write leaves of one bundle that begin where the bundle does, with their hashes and heads."""
        index = leaves[0].number // WIDTH
        hashes = b"".join(leaf.hash for leaf in leaves)
        self._tile(tiles.ENTRIES, index, len(leaves), tiles.bundle([leaf.content for leaf in leaves]))
        self._tile(tiles.hashes_folder(0), index, len(leaves), hashes)
        self._tile(tiles.HEADS, index, len(leaves), b"".join(leaf.signature for leaf in leaves))

    def finish(self, before: int, note: Note) -> None:
        """Write the levels above what was put since a size, and the checkpoint once its root is that of the files.

        Raises:
            LogMismatch: the files have another root.
        """
        checkpoint = Checkpoint.parse(note.text)
        for level, count in tiles.levels_of(checkpoint.size):
            if level:
                self._level(level, before >> 8 * level, count)
        try:
            root = tree_root(checkpoint.size, node_in(self._folder, checkpoint.size))
        except (OSError, ValueError) as err:
            raise LogMismatch(f"The folder {self._folder}", f"lacks a part of the log: {err}") from err
        if root != checkpoint.root:
            raise LogMismatch(f"The folder {self._folder}", "has another root than the ledger's log")
        self.replace_checkpoint(note)

    def replace_checkpoint(self, note: Note) -> None:
        """Write the checkpoint."""
        replace_file(self._folder / tiles.CHECKPOINT, note.to_bytes(), durable=self._durable)

    def continues(self, old: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of this size begins with that of the old size."""
        return consistency_proof(old, size, node_in(self._folder, size))

    def _level(self, level: int, before: int, count: int) -> None:
        folder = tiles.hashes_folder(level)
        for index, width in tiles.tiles_of(count):
            first = index * WIDTH
            if first + width <= before:
                continue
            known = self._known(folder, index, before - first)
            below = (self._folder / tile_path(tiles.hashes_folder(level - 1), first + at) for at in range(width))
            new = [subtree_root(_split(file.read_bytes())) for file in list(below)[len(known) // HASH_BYTES :]]
            self._tile(folder, index, width, known + b"".join(new))

    def _known(self, folder: str, index: int, width: int) -> bytes:
        """Return the hashes that the tile had, if it is still there."""
        file = self._folder / tile_path(folder, index, width)
        return file.read_bytes() if width > 0 and file.is_file() else b""

    def _tile(self, folder: str, index: int, width: int, content: bytes) -> None:
        replace_file(self._folder / tile_path(folder, index, width), content, durable=self._durable)
        if width == WIDTH:
            shutil.rmtree(self._folder / f"{tile_path(folder, index)}.p", ignore_errors=True)


def node_in(folder: Path, size: int) -> Node:
    """Return the hashes of complete subtrees from the tiles of a tree of this size; a tile that is missing is an error.

    Raises:
        ValueError: a tile has another length than its width says.
    """
    counts = dict(tiles.levels_of(size))

    def node(level: int, index: int) -> bytes:
        above, inside = divmod(level, 8)
        first = index << inside
        tile, at = divmod(first, WIDTH)
        width = min(WIDTH, counts[above] - tile * WIDTH)
        hashes = _split(read_tile(folder, tiles.hashes_folder(above), tile, width))
        if len(hashes) < width:
            raise ValueError(f"{tile_path(tiles.hashes_folder(above), tile, width)} has {len(hashes)} hashes")
        return subtree_root(hashes[at : at + (1 << inside)])

    return node


def read_tile(folder: Path, kind: str, index: int, width: int) -> bytes:
    """Return the content of a tile; where a partial one is gone, that of the whole one, which begins with it."""
    try:
        return (folder / tile_path(kind, index, width)).read_bytes()
    except FileNotFoundError:
        whole = folder / tile_path(kind, index)
        if width == WIDTH or not whole.is_file():
            raise
        return whole.read_bytes()


def _split(content: bytes) -> list[bytes]:
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
