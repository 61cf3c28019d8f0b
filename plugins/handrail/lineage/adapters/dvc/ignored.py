"""What DVC leaves out of a folder. DVC itself is asked, and only where there is something to leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from handrail.tools import require

DVC, RULES = ".dvc", ".dvcignore"
# What DVC never tracks, whatever the rules say.
ALWAYS = frozenset({".git", ".hg", DVC})


class DvcIgnore:
    """The rules of one project."""

    def __init__(self, project: Path) -> None:
        """Read the rules that concern `project`: its own, and those of the DVC project that it may be a folder of."""
        self._project = project
        self._root = root_of(project)
        self._has_rules: dict[PurePosixPath, bool] = {}

    def keep(self, folder: str, files: Sequence[str]) -> list[str]:
        """Return those of the `files` of a folder that DVC does not leave out; all paths are of the project.

        Raises:
            MissingTool: there are rules, and DVC, which knows what they mean, is not installed.
        """
        if not self._matters(folder, files):
            return list(files)
        return [file for file in files if not self._is_ignored(file)]

    def _matters(self, folder: str, files: Iterable[str]) -> bool:
        """Say whether a rule may concern these files: one of a folder above them, or one that DVC always has."""
        paths = [PurePosixPath(file) for file in files]
        above = {parent for path in (PurePosixPath(folder, RULES), *paths) for parent in path.parents}
        if any(not ALWAYS.isdisjoint(path.parts) for path in paths) or any(map(self._holds_rules, above)):
            return True
        between = self._project.absolute().relative_to(self._root).parts
        return any(_holds_rules(self._root.joinpath(*between[:depth])) for depth in range(len(between)))

    def _holds_rules(self, folder: PurePosixPath) -> bool:
        if folder not in self._has_rules:
            self._has_rules[folder] = _holds_rules(self._project / folder)
        return self._has_rules[folder]

    def _is_ignored(self, path: str) -> bool:
        return self._ask(str(self._project.absolute() / path))

    @cached_property
    def _ask(self) -> Callable[[str], bool]:
        require("dvc", "dvc")
        from dvc.fs import LocalFileSystem
        from dvc.ignore import DvcIgnoreFilter

        here = self._project.absolute()
        rules = DvcIgnoreFilter(LocalFileSystem(), str(self._root))
        if here != self._root and rules.is_ignored_dir(str(here)):
            # What a project leaves out, such as a copy of its data that Handrail keeps below it, is not a part of it.
            rules = DvcIgnoreFilter(LocalFileSystem(), str(here))
        return lambda path: bool(rules.is_ignored_file(path))


def root_of(project: Path) -> Path:
    """Return the folder of the DVC project that `project` is in, which is mostly `project` itself.

    It is not looked for above the repository of git.
    """
    here = project.absolute()
    for folder in (here, *here.parents):
        if (folder / DVC).is_dir():
            return folder
        if (folder / ".git").exists():
            break
    return here


def _holds_rules(folder: Path) -> bool:
    """Say whether a folder has rules, comments left aside."""
    try:
        lines = (folder / RULES).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return any(line.strip() and not line.strip().startswith("#") for line in lines)
