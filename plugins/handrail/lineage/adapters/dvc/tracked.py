"""Reads the `.dvc` files of a commit: data put under DVC by `dvc add` or `dvc import`, which no stage makes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.pipeline import TrackedFile

SUFFIX = ".dvc"


def read_tracked(git: GitCommits, files: ProjectFiles, commit: str) -> tuple[TrackedFile, ...]:
    """Return what the `.dvc` files of `commit` name, each with the commit that changed its `.dvc` file last.

    Raises:
        InvalidInput: one of them is not a `.dvc` file.
    """
    found = []
    for name in git.files(commit, SUFFIX):
        since = next(iter(git.changes_of(name, commit, 1)), commit)
        held = tracked_outputs(name, git.content(name, commit) or b"")
        found += [TrackedFile(files.describe(path, md5), name, since) for path, md5 in held]
    return tuple(found)


def tracked_outputs(name: str, text: bytes) -> Iterator[tuple[str, str]]:
    """Yield path and md5 of each output below the project that the `.dvc` file `name` with that text tracks.

    An output that a cloud store keeps by version has no md5, and is left out.

    Raises:
        InvalidInput: it is not a `.dvc` file.
    """
    try:
        content = yaml.safe_load(text) or {}
        folder = posixpath.join(posixpath.dirname(name), content.get("wdir") or "")
        for output in content.get("outs") or ():
            path = posixpath.normpath(posixpath.join(folder, str(output["path"])))
            if output.get("md5") and not path.startswith(("/", "../")):
                yield path, str(output["md5"])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as err:
        raise InvalidInput(name, "it is not a .dvc file", "Restore it with git, or run: dvc add.") from err
