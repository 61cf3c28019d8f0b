"""Files under DVC, for entry points that name data by DVC's own hashes. Loading this loads neither DVC nor git."""

from __future__ import annotations

from pathlib import Path

from handrail.lineage.adapters.dvc.project_files import ProjectFiles, folder_md5, hash_file
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT

__all__ = [
    "ProjectFiles",
    "cache_of",
    "cached_at",
    "folder_md5",
    "has_md5",
    "hash_file",
    "hash_name_on_disk",
    "md5_on_disk",
    "repository_of",
]


def repository_of(project: Path) -> tuple[Path, str]:
    """Return the top of the git repository that a project is in, and the project's folder there, ending in a slash.

    The folder is empty if the project is the top, or in no repository.
    """
    from handrail.lineage.adapters.dvc.git_commits import GitCommits

    git = GitCommits(project)
    return git.top, git.prefix


def hash_name_on_disk(project: Path, path: str) -> str:
    """Return by which of DVC's hashes what is at `path` now is named: the old one if a lock or a `.dvc` file says so.

    Where both hashes are equal, as they mostly are, nothing is looked up.
    """
    from handrail.lineage.adapters.dvc.project_files import differs_as_text
    from handrail.lineage.adapters.dvc.revisions import hash_name_of

    files = ProjectFiles.of_dvc(project).files(path)
    return hash_name_of(project, path) if any(differs_as_text(project / file) for file in files) else MD5


def md5_on_disk(project: Path, path: str) -> str | None:
    """Return DVC's hash of what is at `path` now, ending in `.dir` for a folder; None if nothing is there."""
    return ProjectFiles.of_dvc(project).md5_of(path, hash_name_on_disk(project, path))


def has_md5(project: Path, path: str, md5: str) -> bool:
    """Return whether one of DVC's hashes of what is at `path` is `md5`."""
    files = ProjectFiles.of_dvc(project)
    return any(files.md5_of(path, name) == md5 for name in (MD5, MD5_OF_TEXT))


def cache_of(project: Path) -> Path:
    """Return the folder of a project's DVC cache: what `cache.dir` names in its settings, else `.dvc/cache`.

    Raises:
        InvalidInput: its settings cannot be read.
    """
    from handrail.lineage.adapters.dvc.settings import read_settings

    return read_settings(project).cache


def cached_at(project: Path, path: str, revision: str) -> tuple[str | None, Path | None]:
    """Return DVC's hash of what lay at `path` in a git revision, and the file in DVC's cache that holds it.

    None for each that is unknown.
    """
    from handrail.lineage.adapters.dvc.revisions import cached_file, locked_at

    locked = locked_at(project, path, revision)
    return (locked.md5, cached_file(project, locked)) if locked else (None, None)
