"""Files of a clone that DVC knows: labels that it tracks, and params.yaml, which is changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from handrail.errors import MissingFile, Unavailable

PARAMS = "params.yaml"


def track(folder: Path, path: str) -> str:
    """Put a file of the clone under DVC and return the path of the file that git tracks instead.

    Raises:
        Unavailable: DVC fails; the sentence is its own.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(folder)) as repo:
            repo.scm_context.quiet = True
            repo.add([str(folder / path)])
    except (DvcException, OSError) as err:
        raise Unavailable(f"dvc add {path}", str(err).rstrip("."), "Correct that first.") from err
    return f"{path}.dvc"


def change_params(folder: Path, changes: Mapping[str, Any]) -> None:
    """Write new values into the clone's params.yaml, keeping its comments and every other key.

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
        # A key that is not touched keeps its text as it is.
        values.update({name: value for name, value in changes.items() if values[name] != value})


def read_md5(file: Path) -> str:
    """Return DVC's hash of the file or folder that a `.dvc` file tracks."""
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["outs"][0]["md5"])
