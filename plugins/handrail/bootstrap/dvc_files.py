"""Files under DVC, for entry points that name data by DVC's own hashes. Loading this loads neither DVC nor git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from handrail.lineage.adapters.dvc.project_files import ProjectFiles, folder_md5, hash_file
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT

__all__ = ["ProjectFiles", "cached_at", "folder_md5", "hash_file", "md5_on_disk", "md5s_of"]


def md5_on_disk(project: Path, path: str) -> str | None:
    """Return DVC's hash of what is at `path` now, ending in `.dir` for a folder; None if nothing is there.

    It is DVC's hash from before version 3 if a lock or a `.dvc` file names the path so.
    """
    from handrail.lineage.adapters.dvc.revisions import hash_name_of

    found = md5s_of(project, path)
    if len(set(found.values())) < 2:
        return next(iter(found.values()), None)
    return found[hash_name_of(project, path)]


def md5s_of(project: Path, path: str) -> Mapping[str, str]:
    """Return each hash by which DVC may name what is at `path`, by the hash's name; nothing if nothing is there."""
    files = ProjectFiles.of_dvc(project)
    found = {name: files.md5_of(path, name) for name in (MD5, MD5_OF_TEXT)}
    return {name: md5 for name, md5 in found.items() if md5 is not None}


def cached_at(project: Path, path: str, revision: str) -> tuple[str | None, Path | None]:
    """Return DVC's hash of what lay at `path` in a git revision, and the file in DVC's cache that holds it.

    None for each that is unknown.
    """
    from handrail.lineage.adapters.dvc.revisions import cached_file, locked_at

    locked = locked_at(project, path, revision)
    return (locked.md5, cached_file(project, locked)) if locked else (None, None)
