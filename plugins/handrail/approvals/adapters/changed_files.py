"""Files that people edit and that are asked about at every call: parsed again only when they have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

SETTLED_NS = 2_000_000_000
T = TypeVar("T")


class ChangedFiles:
    """Keeps what was made of a file until its time, size or inode is another."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[tuple[int, int, int], Any]] = {}

    def read(self, file: Path, parse: Callable[[], T]) -> T:
        """Return what `parse` makes of the file, or made of it as it still is; an error is not kept.

        A file that changed a moment ago is not kept: it may change again within the same tick of its clock.
        """
        state = _state(file)
        known = self._kept.get(file)
        if state and known and known[0] == state:
            kept: T = known[1]
            return kept
        made = parse()
        if state and state == _state(file) and time.time_ns() - state[0] > SETTLED_NS:
            self._kept[file] = state, made
        return made


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
