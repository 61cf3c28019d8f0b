"""What DVC tracks, on disk or in a git revision: read from `.dvc` files and locks, and from DVC's cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from handrail.errors import HandrailError, Unavailable
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.lock_files import LOCK, files_in, read_lock
from handrail.lineage.adapters.dvc.project_files import FOLDER, md5_of_bytes
from handrail.lineage.adapters.dvc.settings import cached_object, read_settings
from handrail.lineage.adapters.dvc.tracked import SUFFIX, parse_dvc_file
from handrail.lineage.adapters.dvc.trees import ProjectTree, TreeInCommit, TreeOnDisk
from handrail.lineage.domain.locked import MD5, LockedFile


def locked_at(project: Path, path: str, revision: str) -> LockedFile | None:
    """Return what was at `path` in a git revision, by DVC's hash; None if it is not known.

    A file in a tracked folder is looked up in the list that DVC's cache keeps of the folder; a file that git itself
    holds is hashed.
    """
    try:
        git = GitCommits(project)
        commit = git.resolve(revision)
        if commit is None:
            return None
        found = _tracked(TreeInCommit(git, commit), Place(project, prefix=git.prefix), path)
        if found is not None:
            return found if found.path == path else _member(project, found, path)
        content = git.content(path, commit)
    except Unavailable:
        return None
    return None if content is None else LockedFile(path, md5_of_bytes(content))


def hash_name_of(project: Path, path: str) -> str:
    """Return by which hash DVC names what is at `path` now: by its old one, if a file on disk says so."""
    try:
        found = _tracked(TreeOnDisk(project), Place(project, prefix=GitCommits(project).prefix), path)
    except Unavailable:
        found = None
    return found.hash_name if found else MD5


def cached_file(project: Path, locked: LockedFile) -> Path | None:
    """Return the file with that content in the project's DVC cache; None if the cache lacks it."""
    file = cached_object(read_settings(project).cache, locked)
    return file if file.is_file() and not locked.md5.endswith(FOLDER) else None


def _tracked(tree: ProjectTree, place: Place, path: str) -> LockedFile | None:
    """Return what tracks `path`: an output at the path itself, else the nearest folder around it."""
    around = (path, *map(str, PurePosixPath(path).parents))
    found = {file.path: file for file in _outputs(tree, place) if file.path in around}
    return next((found[at] for at in around if at in found), None)


def _outputs(tree: ProjectTree, place: Place) -> Iterator[LockedFile]:
    """Yield what stages write and `.dvc` files track; a file that cannot be read names nothing."""
    for lock in tree.named(LOCK):
        with suppress(HandrailError):
            yield from [file for run in read_lock(tree, lock, place) for file in files_in(run.outputs())]
    for name, text in tree.read_all(tree.named(f"*{SUFFIX}")).items():
        with suppress(HandrailError):
            yield from files_in(parse_dvc_file(name, text, place).outputs)


def _member(project: Path, folder: LockedFile, path: str) -> LockedFile | None:
    inner = path.removeprefix(f"{folder.path}/")
    try:
        rows = json.loads(cached_object(read_settings(project).cache, folder).read_bytes())
        md5 = next((str(row["md5"]) for row in rows if row["relpath"] == inner), None)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return replace(folder, path=path, md5=md5) if md5 else None
