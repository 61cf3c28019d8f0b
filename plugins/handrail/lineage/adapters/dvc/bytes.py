"""Compares the files of a project with what its dvc.lock says of them."""

from __future__ import annotations

from pathlib import Path

from handrail.errors import Unavailable
from handrail.lineage.adapters.dvc.pipeline import hashed_files
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.flaws import Flaw


def changed_files(project: Path) -> tuple[Flaw, ...]:
    """Return a flaw for each file and folder whose bytes are others than dvc.lock says, or that is not there."""
    files = ProjectFiles.of_dvc(project)
    try:
        wanted = sorted(hashed_files(project))
    except Unavailable:
        return ()
    return tuple(flaw for path, md5 in wanted if (flaw := _compare(files, path, md5)) is not None)


def _compare(files: ProjectFiles, path: str, md5: str) -> Flaw | None:
    found = files.md5_of(path)
    if found == md5:
        return None
    if found is None:
        return Flaw("bytes-missing", path, f"dvc.lock names {md5}, and nothing is there: dvc pull")
    return Flaw("bytes-changed", path, f"dvc.lock names {md5}, the bytes on disk are {found}")
