"""The files of an artifact tree as a list, and the digest that names the tree. One spelling for all plugins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return the value as UTF-8 JSON with sorted keys and no spaces, so that equal contents have equal bytes.

    Raises:
        ValueError: the value holds NaN or infinity, or cannot be written as JSON.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, RecursionError) as err:
        raise ValueError(str(err)) from err


def digest_of_bytes(content: bytes) -> str:
    """Return `sha256:<hex>` of the bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def digest_of(value: Any) -> str:
    """Return `sha256:<hex>` of the value's canonical JSON."""
    return digest_of_bytes(canonical_json(value))


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file: path relative to the tree with forward slashes, size in bytes, sha256 as 64 hex digits."""

    path: str
    size: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return path, size and sha256."""
        return {"path": self.path, "size": self.size, "sha256": self.sha256}


def tree_digest(files: Iterable[FileEntry]) -> str:
    """Return the digest of a tree: sha256 over the canonical JSON of its entries, ordered by path."""
    return digest_of([entry.to_json() for entry in sorted(files, key=lambda entry: entry.path)])


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a tree, ordered by path. No file is left out, hidden ones included."""

    files: tuple[FileEntry, ...]

    @classmethod
    def of(cls, files: Sequence[FileEntry]) -> Manifest:
        """Order the entries by path.

        Raises:
            ValueError: no file, a path twice, or a path that leaves the tree.
        """
        ordered = tuple(sorted(files, key=lambda entry: entry.path))
        if not ordered:
            raise ValueError("it holds no file")
        for entry, following in zip(ordered, ordered[1:], strict=False):
            if entry.path == following.path:
                raise ValueError(f"it lists {entry.path!r} twice")
        for entry in ordered:
            if not _stays_inside(entry.path):
                raise ValueError(f"it lists {entry.path!r}, which does not lie inside the tree")
        return cls(ordered)

    @classmethod
    def from_json(cls, rows: Any) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the rows are not those of a manifest.
        """
        try:
            return cls.of([FileEntry(str(row["path"]), int(row["size"]), str(row["sha256"])) for row in rows])
        except (KeyError, TypeError) as err:
            raise ValueError(f"it does not list files: {err}") from err

    def to_json(self) -> list[dict[str, Any]]:
        """Return one mapping with path, size and sha256 for each file."""
        return [entry.to_json() for entry in self.files]

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over the canonical JSON of all entries: the digest of the tree."""
        return tree_digest(self.files)

    @property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, directly or below."""
        return frozenset(
            str(parent) for entry in self.files for parent in PurePosixPath(entry.path).parents if str(parent) != "."
        )


def _stays_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path and "\0" not in path
