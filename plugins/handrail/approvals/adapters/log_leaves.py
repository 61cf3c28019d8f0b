"""The leaves of a log as its files have them, whatever is wrong with the files, and what may have happened to one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from handrail.approvals.domain import tiles
from handrail.approvals.domain.merkle import HASH_BYTES, node_hash, subtree_root, tree_root
from handrail.approvals.domain.tiles import WIDTH, tile_path

LONGEST_WORD = 40


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
            found, is_whole = tiles.leaves_of(content_at(folder, path))
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
    def tile_levels(self) -> list[list[bytes]]:
        """The hashes of each level of tiles."""
        levels = [self.hashes] if self.hashes else []
        while levels and len(levels[-1]) >= WIDTH:
            below = levels[-1]
            whole = range(0, len(below) // WIDTH * WIDTH, WIDTH)
            levels.append([subtree_root(below[first : first + WIDTH]) for first in whole])
        return levels

    @property
    def root(self) -> bytes:
        """The root over all leaves."""

        def node(level: int, index: int) -> bytes:
            above, inside = divmod(level, 8)
            first = index << inside
            return subtree_root(self.tile_levels[above][first : first + (1 << inside)])

        return tree_root(len(self.hashes), node)

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
            content_at(self._folder, tile_path(tiles.hashes_folder(0), index, width))[: width * HASH_BYTES]
            for index, width in tiles.tiles_of(self._size)
        )
        held = [found[at : at + HASH_BYTES] for at in range(0, len(found), HASH_BYTES)]
        pairs = zip(self.hashes, held, strict=False)
        return next((number for number, (leaf, tile) in enumerate(pairs) if leaf != tile), None)


def content_at(folder: Path, path: str) -> bytes:
    """Return a tile's content, or that of the whole tile or of the widest partial one in its place, or nothing."""
    whole = folder / path.partition(".p/")[0]
    partial = whole.with_name(f"{whole.name}.p")
    widths = sorted((int(file.name) for file in partial.glob("*") if file.name.isdecimal()), reverse=True)
    for file in (folder / path, whole, *(partial / str(width) for width in widths)):
        if file.is_file():
            return file.read_bytes()
    return b""


def what_happened(bad: int, contents: Sequence[bytes], size: int) -> str:
    """Say what happened to the first leaf that is not as it was signed, by the places that leaves say of themselves."""
    says = number_of(contents[bad])
    after = number_of(contents[bad + 1]) if bad + 1 < len(contents) else None
    label = _label(contents[bad])
    if len(contents) > size or (after == bad and (says is None or says <= bad)):
        return f"At leaf {bad:,} one was added{label}"
    if says is None or says == bad:
        return f"Leaf {bad:,} was edited{label}"
    elsewhere = next((at for at in range(bad + 1, len(contents)) if number_of(contents[at]) == bad), None)
    if elsewhere is None:
        return f"Leaf {bad:,} was removed: leaf {says:,} lies in its place"
    return f"Leaf {bad:,} was moved to {elsewhere:,}: leaf {says:,} lies in its place"


def number_of(content: bytes) -> int | None:
    """Return the place that a leaf says of itself."""
    values = values_of(content)
    number = values.get("number")
    return number if type(number) is int else None


def _label(content: bytes) -> str:
    """Return in brackets what a leaf says that it is about."""
    values = values_of(content)
    words = [values.get("kind"), values.get("request_id")]
    shown = [word[:LONGEST_WORD] for word in words if isinstance(word, str) and word.isprintable()]
    return f" ({', '.join(shown)})" if shown else ""


def values_of(content: bytes) -> dict[str, object]:
    """Return what a leaf says, nothing if it is no JSON object."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
