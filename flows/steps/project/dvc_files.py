"""Files of a clone that DVC knows: labels that it tracks, params.yaml, and what goes to the remote."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.steps.project.workspace import git
from handrail.errors import MissingFile, Unavailable

PARAMS = "params.yaml"
# DVC draws bars only while these log errors. Bars and spinners would be drawn over the lines of whoever called.
BARS = ("dvc.progress", "dvc_data.callbacks")


def track(folder: Path, path: str) -> str:
    """Put a file of the clone under DVC and return the path of the file that git tracks instead.

    Raises:
        Unavailable: DVC fails; the sentence is its own.
    """
    with _repository(folder, f"dvc add {path}", "Correct that first.") as repo:
        repo.scm_context.quiet = True
        repo.add([str(folder / path)])
    return f"{path}.dvc"


def push(folder: Path) -> int:
    """Copy every output of the stages and every file with a committed `.dvc` file to the remote; return their number.

    A project without a default remote sends nothing. Safe to repeat.

    Raises:
        Unavailable: DVC cannot read or write something; the sentence is its own.
    """
    with _repository(folder, "dvc push", "Free the disk and run it again.") as repo:
        if not repo.config["core"].get("remote"):
            return 0
        # DVC looks for no .dvc file in a folder that git ignores: these are named to it.
        tracked = [str(folder / path) for path in git(folder, "ls-files", "*.dvc").splitlines()]
        sent = int(repo.push())
        return sent + (int(repo.push(targets=tracked)) if tracked else 0)


def change_params(folder: Path, changes: Mapping[str, Any]) -> None:
    """Write new values into the clone's params.yaml, keeping its comments and every other key.

    Of a section only the keys that `changes` names are written.

    Raises:
        Unavailable: params.yaml is missing or lacks a key that is changed.
    """
    from dvc.utils.serialize import modify_yaml

    file = folder / PARAMS
    if not file.is_file():
        raise MissingFile(str(file), "Restore it from the repository.")
    with modify_yaml(str(file)) as values:
        unknown = [name for name in changes if name not in values]
        if unknown:
            raise Unavailable(str(file), f"it lacks the key {unknown[0]!r}", "Restore it from the repository.")
        _update(values, changes)


def _update(values: MutableMapping[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        known = values.get(name)
        if isinstance(known, MutableMapping) and isinstance(value, Mapping):
            _update(known, value)
        # A key that is not touched keeps its text as it is.
        elif known != value:
            values[name] = value


@contextmanager
def _repository(folder: Path, command: str, remedy: str) -> Iterator[Any]:
    """Open the clone's DVC repository; what DVC raises becomes one sentence about the command."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.ui import ui

    for name in BARS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    ui.error_console.quiet = True
    try:
        with Repo(str(folder)) as repo:
            yield repo
    except (DvcException, OSError) as err:
        raise Unavailable(command, str(err).rstrip("."), remedy) from err
