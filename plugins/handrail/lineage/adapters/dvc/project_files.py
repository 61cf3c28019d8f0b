"""Hashes files and folders of a project as DVC does, and by sha256 (md5 is not collision safe)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from handrail.lineage.adapters.dvc.ignored import DvcIgnore
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT, LockedFile
from handrail.lineage.domain.pipeline import Member, PipelineFile, tree_digest

FOLDER = ".dir"
# Both sizes are DVC's: its hash of text depends on where a block ends, and on what a block begins with.
BLOCK = 1 << 20
SAMPLE = 512
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_MOST_NOT_TEXT = 0.3


class ProjectFiles:
    """The files of one project; each is read once."""

    def __init__(self, project: Path, ignored: DvcIgnore | None = None) -> None:
        """Read below `project`; folders are hashed without what `ignored` leaves out."""
        self._project = project
        self._ignored = ignored
        self._seen: dict[tuple[str, str], Member] = {}

    @classmethod
    def of_dvc(cls, project: Path) -> Self:
        """Read a DVC project: what its .dvcignore files leave out is in no hash."""
        return cls(project, DvcIgnore(project))

    def describe(self, locked: LockedFile) -> PipelineFile:
        """Return what is at a path, with sha256 and members if its bytes are those that the lock names."""
        path, md5, hash_name = locked.path, locked.md5, locked.hash_name
        target = self._project / path
        if md5.endswith(FOLDER):
            members = tuple(self._members(path, hash_name)) if target.is_dir() else ()
            if md5 != folder_md5(members, path):
                return PipelineFile(path, md5)
            return PipelineFile(path, md5, tree_digest(members, path).partition(":")[2], members)
        if not target.is_file() or self._hash(path, hash_name).md5 != md5:
            return PipelineFile(path, md5)
        return PipelineFile(path, md5, self._hash(path, hash_name).sha256)

    def folder(self, path: str, hash_name: str = MD5) -> PipelineFile:
        """Return a folder as it is on disk."""
        members = tuple(self._members(path, hash_name))
        return PipelineFile(path, folder_md5(members, path), tree_digest(members, path).partition(":")[2], members)

    def md5_of(self, path: str, hash_name: str = MD5) -> str | None:
        """Return DVC's hash of what is at `path`, ending in `.dir` for a folder; None if nothing is there."""
        target = self._project / path
        if target.is_dir():
            return folder_md5(tuple(self._members(path, hash_name)), path)
        return self._hash(path, hash_name).md5 if target.is_file() else None

    def files(self, path: str) -> tuple[str, ...]:
        """Return the files that DVC sees at or below a path, by their paths in the project, in order."""
        target = self._project / path
        if target.is_file():
            return (path,)
        found = sorted(os.path.join(path, name) for name in _names(target))
        return tuple(found if self._ignored is None else self._ignored.keep(path, found))

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return (self._project / path).read_bytes()

    def _members(self, path: str, hash_name: str) -> list[Member]:
        return [self._hash(file, hash_name) for file in self.files(path)]

    def _hash(self, path: str, hash_name: str) -> Member:
        key = path, hash_name
        if key not in self._seen:
            self._seen[key] = hash_file(self._project / path, path, hash_name)
        return self._seen[key]


def hash_file(file: Path, path: str, hash_name: str = MD5) -> Member:
    """Return a file's md5, sha256 and size, in one pass, under the name `path`."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            md5.update(_hashed(block, hash_name))
            sha256.update(block)
            size += len(block)
    return Member(path, md5.hexdigest(), sha256.hexdigest(), size)


def differs_as_text(file: Path) -> bool:
    """Return whether DVC's two hashes of a file differ: it looks like text, and has line ends of Windows."""
    with file.open("rb") as stream:
        for start in range(0, file.stat().st_size, BLOCK):
            stream.seek(start)
            sample = stream.read(SAMPLE)
            if _is_text(sample) and b"\r\n" in sample + stream.read(BLOCK - len(sample)):
                return True
    return False


def md5_of_bytes(content: bytes, hash_name: str = MD5) -> str:
    """Return DVC's hash of a file's content."""
    md5 = hashlib.md5(usedforsecurity=False)
    for start in range(0, len(content), BLOCK):
        md5.update(_hashed(content[start : start + BLOCK], hash_name))
    return md5.hexdigest()


def folder_md5(members: tuple[Member, ...], root: str) -> str:
    """Return DVC's hash of a folder: md5 over the JSON list of its files, ordered by path."""
    return _md5_of_list({"md5": member.md5, "relpath": member.path.removeprefix(f"{root}/")} for member in members)


def listed_md5(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return DVC's hash of a folder whose files a lock lists one by one; None if one of them has no md5."""
    found = [{"md5": row.get("md5"), "relpath": row["relpath"]} for row in rows]
    return _md5_of_list(found) if found and all(row["md5"] for row in found) else None


def _md5_of_list(rows: Iterable[Mapping[str, Any]]) -> str:
    text = json.dumps(sorted(rows, key=lambda row: str(row["relpath"])), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + FOLDER


def _hashed(block: bytes, hash_name: str) -> bytes:
    """Return the bytes of a block that count: in what looks like text, line ends of Windows are those of Unix."""
    return block.replace(b"\r\n", b"\n") if hash_name == MD5_OF_TEXT and _is_text(block[:SAMPLE]) else block


def _is_text(sample: bytes) -> bool:
    """Judge as DVC does (`dvc_data.hashfile.istextfile`)."""
    other = sample.translate(None, _TEXT)
    return b"\x00" not in sample and len(other) / len(sample) <= _MOST_NOT_TEXT


def _names(folder: Path) -> Iterator[str]:
    """Return the files below a folder as DVC walks them: a link to a folder is not entered."""
    for here, _, files in os.walk(folder):
        paths = (os.path.join(here, name) for name in files)
        yield from (os.path.relpath(path, folder) for path in paths if os.path.isfile(path))
