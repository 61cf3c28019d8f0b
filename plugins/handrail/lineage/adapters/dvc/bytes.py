"""Compares the files of a project, and of the projects below it, with what DVC recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.entries import Located, Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.ignored import DVC, root_of
from handrail.lineage.adapters.dvc.lock_files import LOCK, read_runs
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.adapters.dvc.tracked import SUFFIX, read_dvc_files
from handrail.lineage.adapters.dvc.trees import TreeOnDisk
from handrail.lineage.domain.flaws import Flaw
from handrail.lineage.domain.locked import LockedFile

FILE = "file://"
CONFIG, HERE = f"{DVC}/config", "."


def projects_at(folder: Path) -> tuple[str, ...]:
    """Return the DVC projects at and below a folder, relative to it (`.` is the folder), those that git ignores aside.

    Without git only the folder, and those directly below it, are looked at.
    """
    known = GitCommits(folder).files_on_disk(CONFIG)
    found = [file.relative_to(folder).as_posix() for file in folder.glob(f"*/{CONFIG}")] if known is None else known
    below = {path.removesuffix(f"/{CONFIG}") for path in found if path.endswith(f"/{CONFIG}")}
    tree = TreeOnDisk(folder)
    is_one = (root_of(folder) / DVC).is_dir() or bool(tree.named(LOCK) or tree.named(f"*{SUFFIX}"))
    return (*([HERE] if is_one else []), *sorted(below))


def changed_below(folder: Path) -> tuple[Flaw, ...]:
    """Return the flaws of `changed_files` of each project at and below a folder, files named from the folder.

    Raises:
        InvalidInput: a file of one of them cannot be read.
    """
    found: list[Flaw] = []
    for name in projects_at(folder):
        at = "" if name == HERE else f"{name}/"
        try:
            found += (_moved(flaw, at) for flaw in changed_files(folder / name))
        except InvalidInput as err:
            raise InvalidInput(f"{at}{err.field}", err.problem, err.remedy) from err
    return tuple(found)


def _moved(flaw: Flaw, at: str) -> Flaw:
    """Name the file of a flaw, and the lock that names it, from a folder above their project."""
    return flaw if not at else replace(flaw, subject=f"{at}{flaw.subject}", detail=f"{at}{flaw.detail}")


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
