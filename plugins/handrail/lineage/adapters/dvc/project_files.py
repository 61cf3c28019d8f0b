"""Hashes files and folders of a project as DVC does, .dvcignore included, and by sha256 (md5 is not collision safe)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Self

from handrail.lineage.domain.pipeline import Member, PipelineFile, tree_digest

FOLDER = ".dir"
RULES = ".dvcignore"
BLOCK = 1 << 20


class DvcIgnore:
    """The .dvcignore files of one project, in git's syntax. Without pathspec, which DVC brings, nothing is left out."""

    def __init__(self, project: Path) -> None:
        """Read the rules below `project` as they are needed."""
        self._project = project
        self._rules = lru_cache(maxsize=None)(self._read)

    def __contains__(self, path: object) -> bool:
        """Say whether DVC leaves out the file at that path: by the rules of any folder above it."""
        file = PurePosixPath(str(path))
        return any(
            rules.match_file(file.relative_to(folder).as_posix())
            for folder in file.parents
            if (rules := self._rules(folder)) is not None
        )

    def _read(self, folder: PurePosixPath) -> Any:
        try:
            from pathspec import GitIgnoreSpec

            lines = (self._project / folder / RULES).read_text(encoding="utf-8").splitlines()
        except (ImportError, OSError):
            return None
        return GitIgnoreSpec.from_lines(line.strip() for line in lines)


class ProjectFiles:
    """The files of one project; each is read once."""

    def __init__(self, project: Path, ignored: Container[str] = ()) -> None:
        """Read below `project`; folders are hashed without the `ignored` paths."""
        self._project = project
        self._ignored = ignored
        self._seen: dict[str, Member] = {}

    @classmethod
    def of_dvc(cls, project: Path) -> Self:
        """Read a DVC project: what its .dvcignore files leave out is in no hash."""
        return cls(project, DvcIgnore(project))

    def describe(self, path: str, md5: str) -> PipelineFile:
        """Return what is at `path`, with sha256 and members if its bytes are those that `md5` names."""
        target = self._project / path
        if md5.endswith(FOLDER):
            found = self.folder(path)
            return found if found.md5 == md5 else PipelineFile(path, md5)
        if not target.is_file() or self._hash(path).md5 != md5:
            return PipelineFile(path, md5)
        return PipelineFile(path, md5, self._hash(path).sha256)

    def folder(self, path: str) -> PipelineFile:
        """Return a folder as it is on disk; one that is missing is empty."""
        members = tuple(self._members(self._project / path))
        return PipelineFile(path, folder_md5(members, path), tree_digest(members, path).partition(":")[2], members)

    def md5_of(self, path: str) -> str | None:
        """Return DVC's hash of what is at `path`, ending in `.dir` for a folder; None if nothing is there."""
        target = self._project / path
        if target.is_dir():
            return folder_md5(tuple(self._members(target)), path)
        return self._hash(path).md5 if target.is_file() else None

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return (self._project / path).read_bytes()

    def _members(self, folder: Path) -> list[Member]:
        files = (file.relative_to(self._project).as_posix() for file in folder.rglob("*") if file.is_file())
        return [self._hash(path) for path in sorted(files) if path not in self._ignored]

    def _hash(self, path: str) -> Member:
        if path not in self._seen:
            self._seen[path] = hash_file(self._project / path, path)
        return self._seen[path]


def hash_file(file: Path, path: str) -> Member:
    """Return a file's md5, sha256 and size, in one pass, under the name `path`."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return Member(path, md5.hexdigest(), sha256.hexdigest(), size)


def folder_md5(members: tuple[Member, ...], root: str) -> str:
    """Return DVC's hash of a folder: md5 over the JSON list of its files, ordered by path."""
    rows = [{"md5": member.md5, "relpath": member.path.removeprefix(f"{root}/")} for member in members]
    text = json.dumps(sorted(rows, key=lambda row: row["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + FOLDER
