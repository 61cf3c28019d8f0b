"""What DVC leaves out of a folder: the patterns of the .dvcignore files, in git's own syntax."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

RULES = ".dvcignore"


class DvcIgnore:
    """The rules of one project. Without pathspec, which DVC brings, nothing is left out."""

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
