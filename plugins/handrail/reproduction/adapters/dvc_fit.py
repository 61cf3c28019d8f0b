"""Whether a commit holds what a stage's entry in a lock file says that the stage read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from handrail.lineage import LockedFile, LockedStage
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.lock_files import files_in
from handrail.lineage.adapters.dvc.project_files import FOLDER, listed_md5, md5_of_bytes
from handrail.lineage.adapters.dvc.tracked import read_dvc_files
from handrail.lineage.adapters.dvc.trees import TreeInCommit

_READERS: Mapping[str, Callable[[str], Any]] = {
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    ".json": json.loads,
}
_UNKNOWN: Any = object()


def commit_fits(git: GitCommits, commit: str, place: Place, stage: LockedStage) -> bool:
    """Return whether no code, tracked data and parameter of a stage's entry is another one in the commit.

    What cannot be read there speaks for neither: what other stages write, data elsewhere, parameters in Python.
    """
    tree = TreeInCommit(git, commit)
    tracked = {file.path: file.md5 for one in read_dvc_files(tree, place) for file in files_in(one.outputs)}
    for file in stage.inputs:
        held = tracked.get(file.path) or _md5_in_git(git, commit, file)
        if held is not None and held != file.md5:
            return False
    return all(
        _parameter(_read(git, commit, file), name) in (_UNKNOWN, value)
        for file, values in json.loads(stage.parameters).items()
        for name, value in values.items()
    )


def _md5_in_git(git: GitCommits, commit: str, file: LockedFile) -> str | None:
    """Return DVC's hash of a file or folder that git holds; None if it does not."""
    if not file.md5.endswith(FOLDER):
        content = git.content(file.path, commit)
        return None if content is None else md5_of_bytes(content, file.hash_name)
    inner = [path for path in git.files(commit) if path.startswith(f"{file.path}/")]
    rows = [
        {"md5": md5_of_bytes(content, file.hash_name), "relpath": path.removeprefix(f"{file.path}/")}
        for path, content in git.contents(inner, commit).items()
    ]
    return listed_md5(rows)


def _read(git: GitCommits, commit: str, file: str) -> Any:
    """Return what a file of parameters holds; nothing known if it is of another kind, broken, or not there."""
    read, content = _READERS.get(f".{file.rpartition('.')[2]}"), git.content(file, commit)
    if read is None or content is None:
        return _UNKNOWN
    try:
        return read(content.decode())
    except (ValueError, yaml.YAMLError):
        return _UNKNOWN


def _parameter(values: Any, name: str) -> Any:
    """Return the value under a name; `a.b` is b in a, as DVC names it."""
    if values is _UNKNOWN or (isinstance(values, Mapping) and name in values):
        return values if values is _UNKNOWN else values[name]
    for part in name.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return values
