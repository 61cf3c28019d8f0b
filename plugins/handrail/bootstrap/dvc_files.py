"""Files under DVC, for entry points that name data by DVC's own hashes. Loading this loads neither DVC nor git."""

from __future__ import annotations

from pathlib import Path

from handrail.lineage.adapters.dvc.project_files import ProjectFiles, folder_md5, hash_file

__all__ = ["ProjectFiles", "cached_at", "folder_md5", "hash_file"]


def cached_at(project: Path, path: str, revision: str) -> tuple[str | None, Path | None]:
    """Return DVC's hash of what lay at `path` in a git revision, and the file in DVC's cache that holds it.

    None for each that is unknown.
    """
    from handrail.lineage.adapters.dvc.revisions import cached_file, md5_at

    md5 = md5_at(project, path, revision)
    return md5, cached_file(project, md5) if md5 else None
