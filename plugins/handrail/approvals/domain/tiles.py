"""Where a log's files lie, and how leaves are put into them: C2SP tlog-tiles v0.1.0 (https://c2sp.org/tlog-tiles).

Beside that layout, `heads/<N>[.p/<W>]` holds the log's signature over the checkpoint of each size from 1 on, 64 bytes
each, the one of size `i + 1` at place `i`: by them a verifier finds the first leaf that is not what was signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WIDTH = 256
MOST_LEAF_BYTES = 65_535
CHECKPOINT, ENTRIES, HEADS = "checkpoint", "tile/entries", "heads"


def hashes_folder(level: int) -> str:
    """Return the folder of the tiles of a level."""
    return f"tile/{level}"


def tile_path(folder: str, index: int, width: int = WIDTH) -> str:
    """Return the path of the tile with this index, `.p/<width>` if it is not full."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    path = "/".join([folder, *reversed(parts)])
    return path if width == WIDTH else f"{path}.p/{width}"


def tiles_of(size: int) -> Iterator[tuple[int, int]]:
    """Yield (index, width) of each tile that this many things fill, in order; the last one may be partial."""
    for index in range(size // WIDTH):
        yield index, WIDTH
    if size % WIDTH:
        yield size // WIDTH, size % WIDTH


def levels_of(size: int) -> Iterator[tuple[int, int]]:
    """Yield (level, how many hashes it has) for each level of a tree of this size, the leaves first."""
    level = 0
    while size:
        yield level, size
        level, size = level + 1, size // WIDTH


def bundle(leaves: Sequence[bytes]) -> bytes:
    """Return leaves one after the other, each behind its length in two bytes.

    Raises:
        ValueError: a leaf is too long for its length to be written.
    """
    longest = max(map(len, leaves), default=0)
    if longest > MOST_LEAF_BYTES:
        raise ValueError(f"a leaf of {longest:,} bytes is longer than {MOST_LEAF_BYTES:,}")
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def leaves_of(content: bytes) -> tuple[list[bytes], bool]:
    """Return the leaves of a bundle, and whether it ended where the last one did."""
    found, at = [], 0
    while at + 2 <= len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if end > len(content):
            break
        found.append(content[at + 2 : end])
        at = end
    return found, at == len(content)
