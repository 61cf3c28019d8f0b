"""Reads the lock files of a DVC project: every stage by DVC's own address, with the folder that its paths begin in."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.dvc_itself import working_folders
from handrail.lineage.adapters.dvc.entries import Located, Place, data_of
from handrail.lineage.adapters.dvc.trees import ProjectTree
from handrail.lineage.domain.locked import LockedFile, LockedStage, OutsideData

LOCK, PIPELINE = "dvc.lock", "dvc.yaml"
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LockedRun:
    """One stage of a lock file: its name as DVC addresses it, and its entry in the file `lock`, under `key`."""

    name: str
    lock: str
    key: str
    entry: Entry
    place: Place

    @property
    def fingerprint(self) -> str:
        """The sha256 of the entry; with the working folder, if that is not the folder of the lock file."""
        own = posixpath.dirname(self.lock)
        return fingerprint(self.entry if self.place.folder == own else {**self.entry, "wdir": self.place.folder})

    def inputs(self) -> tuple[Located, ...]:
        """Return what the stage read."""
        return self._data("deps")

    def outputs(self) -> tuple[Located, ...]:
        """Return what the stage wrote."""
        return self._data("outs")

    def stage(self) -> LockedStage:
        """Return the stage as plans of a reproduction need it."""
        inputs, outputs = self.inputs(), self.outputs()
        return LockedStage(
            self.name,
            self.fingerprint,
            json.dumps(self.entry.get("cmd", ""), default=str),
            json.dumps(self.entry.get("params", {}), sort_keys=True, default=str),
            files_in(inputs),
            files_in(outputs),
            (*outside_in(inputs), *outside_in(outputs)),
        )

    def _data(self, part: str) -> tuple[Located, ...]:
        try:
            return tuple(one for item in self.entry.get(part) or () for one in data_of(item, self.place))
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise _not_a_lock(self.lock) from err


def files_in(found: tuple[Located, ...]) -> tuple[LockedFile, ...]:
    """Return the files of the project."""
    return tuple(one for one in found if isinstance(one, LockedFile))


def outside_in(found: tuple[Located, ...]) -> tuple[OutsideData, ...]:
    """Return the data elsewhere."""
    return tuple(one for one in found if isinstance(one, OutsideData))


def read_runs(tree: ProjectTree, place: Place) -> tuple[LockedRun, ...]:
    """Return the stages of every lock file, ordered by name.

    A stage that its dvc.yaml no longer has is left out, as DVC leaves it out.

    Raises:
        InvalidInput: a file cannot be read as DVC would.
        MissingTool: only DVC can say where a stage runs (a template in its `wdir`), and it is not installed.
    """
    runs = [run for lock in tree.named(LOCK) for run in read_lock(tree, lock, place)]
    return tuple(sorted(runs, key=lambda run: run.name))


def locked_stages(tree: ProjectTree, place: Place) -> tuple[LockedStage, ...]:
    """Return the stages of every lock file, by name; it raises what `read_runs` raises."""
    return tuple(run.stage() for run in read_runs(tree, place))


def parse_lock(name: str, text: bytes) -> Mapping[str, Entry]:
    """Return the entries of a lock file by stage.

    Raises:
        InvalidInput: it is not a lock file.
    """
    try:
        content = yaml.safe_load(text) or {}
        # Before DVC 1.7 a lock file was the stages alone.
        stages = content.get("stages") or {} if "schema" in content or "stages" in content else content
        return {str(stage): dict(entry) for stage, entry in stages.items()}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as err:
        raise _not_a_lock(name) from err


def fingerprint(entry: Entry) -> str:
    """Return the sha256 of an entry."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_lock(tree: ProjectTree, lock: str, place: Place) -> Iterator[LockedRun]:
    """Yield the stages of one lock file; it raises what `read_runs` raises."""
    folder = posixpath.dirname(lock)
    pipeline = posixpath.join(folder, PIPELINE)
    entries = parse_lock(lock if tree.commit is None else f"{lock} in {tree.commit}", tree.read(lock) or b"")
    text = tree.read(pipeline)
    where = None if text is None else _folders(tree, pipeline, text, place)
    for stage, entry in entries.items():
        at = folder if where is None else where(stage)
        if at is not None:
            yield LockedRun(f"{pipeline}:{stage}" if folder else stage, lock, stage, entry, replace(place, folder=at))


def _folders(tree: ProjectTree, pipeline: str, text: bytes, place: Place) -> Callable[[str], str | None]:
    """Return what names the folder in which a stage runs; None for a stage that the dvc.yaml does not have.

    A plain dvc.yaml is read here. Templates and loops have rules of their own, for which DVC is asked: it must be
    there for a template in `wdir`; without it a loop is taken to have every stage that the lock has of it.
    """
    stages = _definitions(pipeline, text)
    if any("${" in _working(definition) for definition in stages.values()):
        return working_folders(place.project, pipeline, tree.commit, place.prefix).get
    if any(map(_is_loop, stages.values())) and find_spec("dvc") is not None:
        # DVC may lack a file of variables that no commit holds.
        with suppress(InvalidInput):
            return working_folders(place.project, pipeline, tree.commit, place.prefix).get
    folder = posixpath.dirname(pipeline)

    def of_plain(stage: str) -> str | None:
        loop = stages.get(stage.rpartition("@")[0], {})
        definition = stages.get(stage, loop if _is_loop(loop) else None)
        return None if definition is None else _normal(posixpath.join(folder, _working(definition)))

    return of_plain


def _definitions(pipeline: str, text: bytes) -> Mapping[str, Entry]:
    try:
        stages = (yaml.safe_load(text) or {}).get("stages") or {}
        return {str(stage): dict(definition) for stage, definition in stages.items()}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as err:
        raise InvalidInput(pipeline, "it is not a pipeline of DVC", "Correct it until dvc status reads it.") from err


def _is_loop(definition: Entry) -> bool:
    return "foreach" in definition or "matrix" in definition


def _working(definition: Entry) -> str:
    done = definition.get("do")
    return str((done if isinstance(done, Mapping) else definition).get("wdir") or "")


def _normal(folder: str) -> str:
    """Return a folder of the project, the project's own as an empty text."""
    normal = posixpath.normpath(folder)
    return "" if normal == "." else normal


def _not_a_lock(name: str) -> InvalidInput:
    return InvalidInput(name, "it is not a lock file of DVC", "Restore it with git, then run: dvc repro.")
