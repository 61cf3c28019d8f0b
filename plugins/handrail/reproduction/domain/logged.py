"""Models that a script logged with MLflow: which stage of the pipeline ran that script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from handrail.errors import UnknownReference
from handrail.lineage import LockedStage

TREE_AT = ".logged-model"
"""Where the files of such a model lie, beside what the commit holds and beside what it recorded."""
STARTS = ("-m", "--module")


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """The tracking run that a model was logged in, with what it said of itself.

    `stage` is DVC's address of the stage that was running, seen from the folder where DVC was started; empty if the
    run did not say. `script` is the file that ran. `model` is the name under which the model was logged.
    """

    uri: str
    commit: str
    stage: str = ""
    script: str = ""
    model: str = ""
    dirty: bool = False


def stage_that_ran(run: LoggedRun, stages: Sequence[LockedStage]) -> LockedStage | None:
    """Return the stage in which a run was made, as it says itself, else the one whose command names its script.

    Raises:
        UnknownReference: several stages fit.
    """
    found = [one for one in stages if one.name == run.stage]
    found = found or [one for one in stages if run.stage and _short(one.name) == _short(run.stage)]
    if not run.stage or len(found) > 1:
        found = [one for one in found or stages if _names(one.command, run.script)] or found
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        remedy = f"{names} fit. Log the model where Handrail is installed, in dvc repro: its run then says which."
        raise UnknownReference("single pipeline stage", run.stage or run.script, remedy)
    return found[0] if found else None


def _short(address: str) -> str:
    return address.rpartition(":")[2]


def _names(command: str, script: str) -> bool:
    """Return whether a command, as a lock has it (JSON), names a script by a path or as a module."""
    wanted = _parts(script)
    return bool(wanted) and any(_ends_alike(_parts(each), wanted) for each in _files_in(command))


def _files_in(command: str) -> Iterator[str]:
    lines = json.loads(command)
    words = list(_words(lines if isinstance(lines, list) else str(lines).splitlines()))
    yield from words
    for before, word in zip(words, words[1:], strict=False):
        if before in STARTS:
            path = word.replace(".", "/")
            yield from (f"{path}.py", f"{path}/__main__.py")


def _words(lines: Iterable[object]) -> Iterator[str]:
    for line in lines:
        try:
            yield from shlex.split(str(line), comments=True)
        except ValueError:  # a quotation mark without its end
            yield from str(line).split()


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in (".", ".."))


def _ends_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether one path is the end of the other: a run knows its script by another beginning."""
    length = min(len(one), len(other))
    return length > 0 and one[-length:] == other[-length:]
