"""The text files of a DVC project, as they are on disk or in a commit."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Protocol

from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.ignored import DvcIgnore

PROJECT = ".dvc"


class ProjectTree(Protocol):
    """Where the files that describe a pipeline are read from; `commit` is None on disk."""

    commit: str | None

    @abstractmethod
    def named(self, pattern: str) -> list[str]:
        """Return the files whose names fit a pattern, by path; a DVC project inside the project has its own."""

    @abstractmethod
    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of files by path; what is not there is left out."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes; None if there is no such file."""
        return self.read_all([path]).get(path)


class TreeOnDisk(ProjectTree):
    """The files as they are now."""

    commit = None

    def __init__(self, project: Path) -> None:
        """Read below `project`."""
        self._project = project

    def named(self, pattern: str) -> list[str]:
        """Return the files whose names fit, and that neither git nor DVC ignores."""
        found = GitCommits(self._project).files_on_disk(pattern.lstrip("*"))
        paths = [path for path in (self._walk() if found is None else found) if _fits(path, pattern)]
        # The project's own are read even if git ignores them.
        paths += [file.name for file in self._project.glob(pattern) if file.is_file()]
        ours = (path for path in set(paths) if not any((self._project / at / PROJECT).is_dir() for at in _above(path)))
        return DvcIgnore(self._project).keep("", sorted(ours))

    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of files by path."""
        return {path: (self._project / path).read_bytes() for path in paths if (self._project / path).is_file()}

    def _walk(self) -> Iterator[str]:
        for here, folders, files in os.walk(self._project):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            yield from ((Path(here) / name).relative_to(self._project).as_posix() for name in files)


class TreeInCommit(ProjectTree):
    """The files of a commit."""

    def __init__(self, git: GitCommits, commit: str, ignored: DvcIgnore | None = None) -> None:
        """Read `commit`, without what `ignored` leaves out."""
        self._git, self.commit, self._ignored = git, commit, ignored
        self._files: list[str] | None = None

    def named(self, pattern: str) -> list[str]:
        """Return the files whose names fit."""
        if self._files is None:
            self._files = self._git.files(str(self.commit))
        configs = (PurePosixPath(file) for file in self._files if file.endswith(f"/{PROJECT}/config"))
        inner = {str(config.parents[1]) for config in configs}
        found = [file for file in self._files if _fits(file, pattern) and inner.isdisjoint(_above(file))]
        return found if self._ignored is None else self._ignored.keep("", found)

    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of files by path."""
        return self._git.contents(paths, str(self.commit))


def _fits(path: str, pattern: str) -> bool:
    return fnmatchcase(PurePosixPath(path).name, pattern) and PROJECT not in PurePosixPath(path).parts


def _above(path: str) -> list[str]:
    """Return the folders around a file, the project's own left out."""
    return [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
