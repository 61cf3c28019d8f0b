"""The clones in which challengers are trained: of the project, with its DVC cache, and never the user's checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flows.steps.workspace import git
from handrail.errors import Unavailable
from handrail.settings import Settings

PARAMS = "params.yaml"


def open_challenger_clone(settings: Settings, name: str = "project") -> Path:
    """Return a clone of the project at its HEAD under home/retrain/<name>; an earlier one that holds it goes on.

    It shares the project's DVC cache, so that stages which the project ran are restored and not run again.

    Raises:
        Unavailable: the project is no git repository, or git fails.
    """
    head = git(settings.project, "rev-parse", "HEAD")
    folder = settings.home / "retrain" / name
    if not (folder / ".git").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        git(folder.parent, "clone", "--quiet", str(settings.project), folder.name)
    if head not in git(folder, "rev-list", "HEAD").split():
        git(folder, "fetch", "--quiet", str(settings.project), head)
        git(folder, "tag", "--force", f"before/{head[:12]}")  # keeps the commits that earlier lineage names
        git(folder, "reset", "--quiet", "--hard", head)
    _share_cache(settings, folder)
    return folder


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
        raise Unavailable(str(file), "it is missing", "Restore it from the repository.")
    with modify_yaml(str(file)) as values:
        unknown = [name for name in changes if name not in values]
        if unknown:
            raise Unavailable(str(file), f"it lacks the key {unknown[0]!r}", "Restore it from the repository.")
        # A key that is not touched keeps its text as it is.
        values.update({name: value for name, value in changes.items() if values[name] != value})


def read_md5(file: Path) -> str:
    """Return DVC's hash of the file or folder that a `.dvc` file tracks."""
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["outs"][0]["md5"])


def _share_cache(settings: Settings, folder: Path) -> None:
    local = folder / ".dvc" / "config.local"
    cache, remote = settings.project / ".dvc" / "cache", settings.home / "dvc-remote"
    text = f"[cache]\n    dir = {cache}\n['remote \"local\"']\n    url = {remote}\n"
    if not local.is_file() or local.read_text(encoding="utf-8") != text:
        local.write_text(text, encoding="utf-8")
