"""The list of all files of an artifact tree, and the digest that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from handrail.approvals.domain.canonical import digest_of


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file: path relative to the tree with forward slashes, size in bytes, sha256 as 64 hex digits."""

    path: str
    size: int
    sha256: str


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
                raise ValueError(f"it lists {entry.path!r}, which is no path inside the tree")
        return cls(ordered)

    @classmethod
    def from_json(cls, rows: Any) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the rows are no manifest.
        """
        try:
            return cls.of([FileEntry(str(row["path"]), int(row["size"]), str(row["sha256"])) for row in rows])
        except (KeyError, TypeError) as err:
            raise ValueError(f"it is no list of files: {err}") from err

    def to_json(self) -> list[dict[str, Any]]:
        """Return one mapping with path, size and sha256 for each file."""
        return [{"path": entry.path, "size": entry.size, "sha256": entry.sha256} for entry in self.files]

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over the canonical JSON of all entries: the digest of the tree."""
        return digest_of(self.to_json())

    @property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, directly or below."""
        return frozenset(
            str(parent) for entry in self.files for parent in PurePosixPath(entry.path).parents if str(parent) != "."
        )


def _stays_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path and "\0" not in path
