"""Compares the files of a project with what DVC recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from handrail.lineage.adapters.dvc.entries import Located, Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.lock_files import read_runs
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.adapters.dvc.tracked import read_dvc_files
from handrail.lineage.adapters.dvc.trees import TreeOnDisk
from handrail.lineage.domain.flaws import Flaw
from handrail.lineage.domain.locked import LockedFile

FILE = "file://"


def changed_files(project: Path) -> tuple[Flaw, ...]:
    """Return a flaw for each file and folder whose bytes are others than a lock or a `.dvc` file says.

    One that a lock names and that is not there is a flaw too. Tracked data that was not pulled is none: who needs
    a part of it pulls that part.
    """
    tree, place = TreeOnDisk(project), Place(project, prefix=GitCommits(project).prefix)
    locked = {(run.lock, file) for run in read_runs(tree, place) for file in _local(run.inputs() + run.outputs())}
    tracked = {(one.name, file) for one in read_dvc_files(tree, place) for file in _local(one.outputs)}
    files = ProjectFiles.of_dvc(project)
    flaws = [_compare(files, *each) for each in sorted(locked, key=str)]
    pulled = [each for each in sorted(tracked, key=str) if (project / each[1].path).exists()]
    flaws += [_compare(files, *each) for each in pulled]
    return tuple(sorted({flaw for flaw in flaws if flaw is not None}, key=lambda flaw: (flaw.subject, flaw)))


def _local(found: Iterable[Located]) -> Iterator[LockedFile]:
    """Yield what is on this machine, the files outside of the project too."""
    for one in found:
        if isinstance(one, LockedFile):
            yield one
        elif one.address.startswith(FILE) and one.details.get("md5"):
            yield LockedFile(unquote(one.address.removeprefix(FILE)), one.details["md5"])


def _compare(files: ProjectFiles, named_by: str, file: LockedFile) -> Flaw | None:
    found = files.md5_of(file.path, file.hash_name)
    if found == file.md5:
        return None
    if found is None:
        return Flaw("bytes-missing", file.path, f"{named_by} names {file.md5}, and nothing is there: dvc pull")
    return Flaw("bytes-changed", file.path, f"{named_by} names {file.md5}, the bytes on disk are {found}")
