"""The folder in which a model is reproduced; a file in it remembers the stages that are done."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from handrail.errors import Refused
from handrail.files import replace_file, unwritable
from handrail.reproduction.ports import WorkFolder

STATE = "reproduction.json"
FORMAT = "handrail.reproduction/1"
ANOTHER_FOLDER = "Free the disk, or choose another folder with --into."


class ReproductionFolder(WorkFolder):
    """A folder that is new, empty, or an interrupted reproduction of the same model."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: dict[str, Any] = {}
        self._lock: int | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def open(self, identity: Mapping[str, str]) -> tuple[str, ...]:
        """Take the folder; return the stages that an interrupted run of the same reproduction finished.

        Raises:
            Refused: it holds something else, a finished reproduction, or one that another process is at.
        """
        self._take()
        with ExitStack() as undo:
            undo.callback(self.close)
            stages = self._resume(identity)
            undo.pop_all()
        return stages

    def mark(self, stage: str) -> None:
        """Remember that a stage is done, durably."""
        self._state["done"] = sorted({*self._state["done"], stage})
        self._write()

    def finish(self, report: Mapping[str, object]) -> None:
        """Remember the result, durably."""
        self._state["finished"] = dict(report)
        self._write()

    def remove(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self._path, ignore_errors=True)

    def close(self) -> None:
        """Let other processes use the folder; the end of this process, whatever its cause, does so too."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _resume(self, identity: Mapping[str, str]) -> tuple[str, ...]:
        held = self._read()
        if held is None and self._path.is_dir() and any(self._path.iterdir()):
            raise self._refused("It is not empty and holds no reproduction.")
        if held is not None and held.get("finished"):
            raise self._refused("It holds a reproduction that is finished.")
        if held is not None and held.get("identity") != dict(identity):
            raise self._refused("It holds an interrupted reproduction of something else.")
        self._state = held or {"format": FORMAT, "identity": dict(identity), "done": [], "finished": None}
        self._write()
        for lock in ("lock", "rwlock"):  # of the interrupted run; no other process is in this folder
            for file in self._path.glob(f"clone/**/.dvc/tmp/{lock}"):
                file.unlink()
        return tuple(self._state["done"])

    def _take(self) -> None:
        """Make the folder, and keep every other process out of it."""
        with unwritable(self._path, ANOTHER_FOLDER):
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._path, os.O_RDONLY)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                self.close()
                raise self._refused("Another process is reproducing there.") from err

    def _refused(self, why: str) -> Refused:
        remedy = "Remove it, or name another folder with --into."
        return Refused(f"Reproducing in {self._path}", (why, remedy))

    def _read(self) -> dict[str, Any] | None:
        try:
            held = json.loads((self._path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return held if isinstance(held, dict) and held.get("format") == FORMAT else None

    def _write(self) -> None:
        content = json.dumps(self._state, indent=2, sort_keys=True, default=str).encode()
        replace_file(self._path / STATE, content, remedy=ANOTHER_FOLDER)
