"""Checks a log's files without any server. Needs `cryptography` and Python alone, wherever the files were copied to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from handrail.approvals.adapters.ed25519_notes import is_signature, is_signed
from handrail.approvals.domain import tiles
from handrail.approvals.domain.errors import TamperedLog
from handrail.approvals.domain.merkle import (
    HASH_BYTES,
    CompactRange,
    consistency_proof,
    is_consistent,
    node_hash,
    subtree_root,
    tree_root,
)
from handrail.approvals.domain.notes import SIGNATURE_BYTES, Checkpoint, Note, VerifierKey
from handrail.approvals.domain.tiles import WIDTH, tile_path

LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log whose files are those that were signed."""

    note: Note
    checkpoint: Checkpoint


class LogVerifier:
    """Checks every leaf and every tile of a log against the checkpoint that its key signed."""

    def __init__(self, folder: Path, key: VerifierKey) -> None:
        """Check the files below `folder` by the log's public key, which came another way."""
        self._folder = folder
        self._key = key

    def verify(self, since: bytes | None = None) -> VerifiedLog:
        """Return the log's head, if everything below it is what was signed.

        Args:
            since: a checkpoint that was kept from an earlier time; the log has to begin with what it had then.

        Raises:
            TamperedLog: with the first leaf that was edited, removed, added or moved, or the file at fault.
        """
        note, checkpoint = self._signed(self._read(tiles.CHECKPOINT), "Its checkpoint")
        kept = self._signed(since, "The kept checkpoint")[1] if since is not None else None
        if kept and kept.size > checkpoint.size:
            first = checkpoint.size
            raise self._tampered(
                f"Its end was removed: it has {first:,} leaves, and the kept checkpoint {kept.size:,}", first
            )
        leaves = Leaves(self._folder, checkpoint.size)
        if not leaves.are_complete or tree_of(leaves.hashes).root != checkpoint.root:
            raise self._located(leaves, note, checkpoint)
        self._check_tiles(leaves)
        if kept:
            self._check_kept(leaves, kept, checkpoint)
        return VerifiedLog(note, checkpoint)

    def _signed(self, content: bytes, what: str) -> tuple[Note, Checkpoint]:
        try:
            note = Note.parse(content)
            checkpoint = Checkpoint.parse(note.text)
        except ValueError as err:
            raise self._tampered(f"{what} cannot be read: {err}") from err
        if checkpoint.origin != self._key.name or not is_signed(note, self._key):
            raise self._tampered(f"{what} is not signed by the key of {self._key.name!r}")
        return note, checkpoint

    def _check_tiles(self, leaves: Leaves) -> None:
        """Compare each tile with the hashes that the leaves have."""
        hashes: Sequence[bytes] = leaves.hashes
        for level, count in tiles.levels_of(len(hashes)):
            if level:
                whole = range(0, len(hashes) // WIDTH * WIDTH, WIDTH)
                hashes = [subtree_root(hashes[first : first + WIDTH]) for first in whole]
            for index, width in tiles.tiles_of(count):
                path = tile_path(tiles.hashes_folder(level), index, width)
                first = index * WIDTH
                if _content(self._folder, path)[: width * HASH_BYTES] != b"".join(hashes[first : first + width]):
                    raise self._tampered(f"{path} is not what the leaves below it give, which are as they were signed")

    def _check_kept(self, leaves: Leaves, kept: Checkpoint, now: Checkpoint) -> None:
        proof = consistency_proof(kept.size, now.size, leaves.node)
        if not is_consistent(kept.size, now.size, proof, kept.root, now.root):
            raise self._tampered(
                f"Its first {kept.size:,} leaves are others than those of the kept checkpoint: it was written anew"
            )

    def _located(self, leaves: Leaves, note: Note, checkpoint: Checkpoint) -> TamperedLog:
        """Return what is wrong, beginning with the first leaf that is not as it was signed."""
        present = min(len(leaves.contents), checkpoint.size)
        bad = self._first_unsigned(leaves, present, note)
        if bad is None:
            bad = leaves.first_unlike_tiles()
        if bad is None:
            places = enumerate(map(_number, leaves.contents[:present]))
            bad = next((place for place, number in places if number != place), None)
        if bad is None and len(leaves.contents) > checkpoint.size:
            bad = checkpoint.size
        if bad is not None:
            return self._tampered(_named(bad, leaves.contents, checkpoint.size), bad)
        if present < checkpoint.size:
            return self._tampered(
                f"Its leaves from {present:,} on are missing, and the checkpoint has {checkpoint.size:,}: "
                f"look at {leaves.fault or tile_path(tiles.ENTRIES, present // WIDTH)}",
                present,
            )
        return self._tampered("Its leaves are not those of its checkpoint, and its heads do not say from where on")

    def _first_unsigned(self, leaves: Leaves, present: int, note: Note) -> int | None:
        """Return the first leaf after which the tree is not one that was signed; None if the heads cannot say."""
        heads = self._heads(Checkpoint.parse(note.text).size)
        public = Ed25519PublicKey.from_public_bytes(self._key.public)

        def is_head(size: int) -> bool:
            root = tree_root(size, leaves.node)
            text = Checkpoint(self._key.name, size, root).text
            return is_signature(public, text.encode("utf-8"), heads[size - 1])

        low, high = 0, present
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if is_head(middle) else (low, middle - 1)
        # Heads that were lost would name the first leaf.
        is_sure = low or any(each.is_by(self._key) and each.content == heads[-1] for each in note.signatures)
        return low if is_sure and low < present else None

    def _heads(self, count: int) -> list[bytes]:
        found = b"".join(
            _content(self._folder, tile_path(tiles.HEADS, index, width))[: width * SIGNATURE_BYTES].ljust(
                width * SIGNATURE_BYTES, b"\0"
            )
            for index, width in tiles.tiles_of(count)
        )
        return [found[at : at + SIGNATURE_BYTES] for at in range(0, len(found), SIGNATURE_BYTES)]

    def _read(self, path: str) -> bytes:
        try:
            return (self._folder / path).read_bytes()
        except OSError as err:
            raise self._tampered(f"Its {path} cannot be read: {err.strerror}") from err

    def _tampered(self, problem: str, leaf: int | None = None) -> TamperedLog:
        return TamperedLog(str(self._folder), problem, leaf)


class Leaves:
    """All leaves of a log's files, and the tree over them."""

    def __init__(self, folder: Path, size: int) -> None:
        """Read what there is of a log of this size; `fault` names the first file that is not whole."""
        self._folder = folder
        self._size = size
        self.contents: list[bytes] = []
        self.fault: str | None = None
        for index, width in tiles.tiles_of(size):
            path = tile_path(tiles.ENTRIES, index, width)
            found, is_whole = tiles.leaves_of(_content(folder, path))
            if width < WIDTH and not (folder / path).is_file():
                found = found[:width]
            self.contents += found
            if not is_whole or len(found) != width:
                self.fault = self.fault or path
                if not found:
                    break
        self.are_complete = self.fault is None

    @cached_property
    def hashes(self) -> list[bytes]:
        """The hash of each leaf."""
        return [sha256(b"\x00" + content).digest() for content in self.contents]

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        levels = [self.hashes]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=False)])
        return levels

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree."""
        return self._levels[level][index]

    def first_unlike_tiles(self) -> int | None:
        """Return the first leaf whose hash is another one than its tile has."""
        found = b"".join(
            _content(self._folder, tile_path(tiles.hashes_folder(0), index, width))[: width * HASH_BYTES]
            for index, width in tiles.tiles_of(self._size)
        )
        held = [found[at : at + HASH_BYTES] for at in range(0, len(found), HASH_BYTES)]
        pairs = zip(self.hashes, held, strict=False)
        return next((number for number, (leaf, tile) in enumerate(pairs) if leaf != tile), None)


def tree_of(hashes: Sequence[bytes]) -> CompactRange:
    """Return the compact range over leaves that are given by their hashes."""
    peaks, first = [], 0
    for bit in reversed(range(len(hashes).bit_length())):
        if len(hashes) >> bit & 1:
            peaks.append(subtree_root(hashes[first : first + (1 << bit)]))
            first += 1 << bit
    return CompactRange(len(hashes), tuple(peaks))


def _content(folder: Path, path: str) -> bytes:
    """Return a tile's content, or that of the whole tile or of the widest partial one in its place, or nothing."""
    whole = folder / path.partition(".p/")[0]
    partial = whole.with_name(f"{whole.name}.p")
    widths = sorted((int(file.name) for file in partial.glob("*") if file.name.isdecimal()), reverse=True)
    for file in (folder / path, whole, *(partial / str(width) for width in widths)):
        if file.is_file():
            return file.read_bytes()
    return b""


def _named(bad: int, contents: Sequence[bytes], size: int) -> str:
    """Say what happened to the first leaf that is not as it was signed, by the places that leaves say of themselves."""
    says = _number(contents[bad])
    after = _number(contents[bad + 1]) if bad + 1 < len(contents) else None
    label = _label(contents[bad])
    if len(contents) > size or (after == bad and (says is None or says <= bad)):
        return f"At leaf {bad:,} one was added{label}"
    if says is None or says == bad:
        return f"Leaf {bad:,} was edited{label}"
    elsewhere = next((at for at in range(bad + 1, len(contents)) if _number(contents[at]) == bad), None)
    if elsewhere is None:
        return f"Leaf {bad:,} was removed: leaf {says:,} lies in its place"
    return f"Leaf {bad:,} was moved to {elsewhere:,}: leaf {says:,} lies in its place"


def _number(content: bytes) -> int | None:
    values = _values(content)
    number = values.get("number")
    return number if type(number) is int else None


def _label(content: bytes) -> str:
    """Return in brackets what a leaf says that it is about."""
    values = _values(content)
    words = [values.get("kind"), values.get("request_id")]
    shown = [word[:LONGEST_WORD] for word in words if isinstance(word, str) and word.isprintable()]
    return f" ({', '.join(shown)})" if shown else ""


def _values(content: bytes) -> dict[str, object]:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
