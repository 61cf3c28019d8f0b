"""Takes names out of what spools keep of predictions that are in the log already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from handrail.errors import Unavailable
from handrail.feedback.adapters.spool_drain import REJECTED, SUFFIX, locked, offset_of
from handrail.feedback.erasure_ports import SpoolFiles
from handrail.files import PRIVATE, replace_file


class SpoolFolder(SpoolFiles):
    """The files of all processes in a spool's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def blank(self, needles: Sequence[bytes]) -> int:
        """Overwrite lines before the place up to which a file is in the log: nobody reads those any more."""
        if not self._folder.is_dir():
            return 0
        try:
            with locked(self._folder / "drain.lock"):
                blanked = sum(_blank(path, needles) for path in sorted(self._folder.glob(f"*{SUFFIX}")))
                return blanked + _drop(self._folder / REJECTED, needles)
        except OSError as err:
            problem = err.strerror or str(err)
            raise Unavailable(f"The spool {self._folder}", problem, "Correct it, and run it again.") from err


def _blank(path: Path, needles: Sequence[bytes]) -> int:
    done, at, end = 0, 0, offset_of(path)
    # Beside the process that appends: its file is opened to append, and never reads.
    with path.open("r+b") as file:
        while at < end:
            line = file.readline()
            if any(needle in line for needle in needles):
                os.pwrite(file.fileno(), b" " * (len(line) - 1) + b"\n", at)
                done += 1
            at += len(line)
        os.fsync(file.fileno())
    return done


def _drop(path: Path, needles: Sequence[bytes]) -> int:
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not any(needle in line for needle in needles)]
    if len(kept) < len(lines):
        replace_file(path, b"".join(kept), mode=PRIVATE)
    return len(lines) - len(kept)
