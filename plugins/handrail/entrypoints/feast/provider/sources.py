"""Data sources at the bytes they hold: a file of the project as DVC and every recorder name it, others by sha256."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pyarrow.fs import LocalFileSystem

from handrail.bootstrap.dvc_files import folder_md5, hash_file
from handrail.entrypoints.feast.data_files import WILD, list_files
from handrail.entrypoints.feast.identity import portable
from handrail.entrypoints.feast.provider.project import RecordedProject
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.hosts.named_data import below_project
from handrail.lineage import Member, data_at, tree_digest
from handrail.refs import ArtifactVersion

KIND = "data-source"
_log = logging.getLogger("handrail.lineage")
SETTLED_NS = 2_000_000_000
"""A file that changed less than this before it was hashed is hashed again: its times may not show one more change."""

MAX_ATTEMPTS = 3
Stamp = tuple[int, int, int, int, int]
_hashed: dict[str, tuple[Stamp, Member]] = {}


class Sources:
    """Looks at the sources of one Feast project."""

    def __init__(self, project: RecordedProject) -> None:
        """Name what is outside the project after the project's Feast project."""
        self._project = project

    def version(self, source: Any) -> ArtifactVersion:
        """Return a source at the bytes it has now; one that is not a local file has no digest."""
        place = _place(source)
        name = without_secrets(portable(place) if source.name == place else source.name)
        found = self.local(place) if place else None
        return self._without_digest(source, name, place) if found is None else self.at(found, name)

    def at(self, path: Path, name: str) -> ArtifactVersion:
        """Return a local file, folder or pattern at the bytes it has now.

        Raises:
            OSError: it cannot be read.
        """
        below = below_project(self._project.platform.settings.project, path)
        if below is None or has_magic(str(path)):
            return self._outside(path, name)
        repository = self._project.platform.settings.repository
        if path.is_file():
            return data_at(repository, below, (member := _hash(path)).md5, member.sha256)
        members = _members(path, below)
        sha256 = tree_digest(members, below).partition(":")[2]
        return data_at(repository, below, folder_md5(members, below), sha256)

    def local(self, place: str) -> Path | None:
        """Return where a source lies on this machine; None if it lies elsewhere, or nowhere."""
        parts = urlsplit(place)
        if parts.scheme and parts.scheme != "file":
            return None
        path = Path(unquote(parts.path) if parts.scheme else place)
        path = Path(os.path.abspath(self._project.repo_path / path))
        return path if path.exists() or (has_magic(str(path)) and glob(str(path), recursive=True)) else None

    def _outside(self, path: Path, name: str) -> ArtifactVersion:
        if path.is_file():
            digest = f"sha256:{_hash(path).sha256}"
        else:
            root = WILD.split(str(path))[0].rpartition("/")[0] if has_magic(str(path)) else str(path)
            digest = tree_digest([_hash(Path(file), file) for file in _files_with_rows(path)], root)
        uri = self._project.uri("data_source", f"{name}@{digest.partition(':')[2]}")
        return ArtifactVersion(uri, KIND, digest, {"path": str(path)})

    def _without_digest(self, source: Any, name: str, place: str) -> ArtifactVersion:
        attributes = {"source_type": type(source).__name__, "digest": "none: it is no file on this machine"}
        return ArtifactVersion(
            self._project.uri("data_source", name),
            KIND,
            None,
            attributes | ({"place": without_secrets(place)} if place else {}),
        )


def _place(source: Any) -> str:
    """Return the path, URI or table of a source, never its query, which may hold secrets."""
    found = getattr(source, "path", None) or getattr(source, "table", None)
    return found if isinstance(found, str) else ""


def _members(folder: Path, root: str) -> tuple[Member, ...]:
    """Hash every file of a folder, as DVC does; their paths begin with `root`."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return tuple(_hash(file, f"{root}/{file.relative_to(folder).as_posix()}") for file in files)


def _files_with_rows(path: Path) -> list[str]:
    """Return what the offline store reads of a folder or pattern; of a table with a log, every file."""
    listing = list_files(LocalFileSystem(), str(path))
    if listing.table is not None and path.is_dir():
        return sorted(str(file) for file in path.rglob("*") if file.is_file())
    return [file.path for file in listing.files]


def _hash(file: Path, path: str | None = None) -> Member:
    """Hash a file, unless it is known by its times, size and inode since it settled."""
    key = str(file)
    for _ in range(MAX_ATTEMPTS):
        now, stamp = time.time_ns(), _stamp(file)
        known = _hashed.get(key)
        if known is None or known[0] != stamp:
            member = hash_file(file, key)
            if _stamp(file) != stamp:
                continue  # written while it was read
            known = (stamp, member)
            if now - max(stamp[3], stamp[4]) > SETTLED_NS:
                _hashed[key] = known
        break
    else:
        known = (stamp, hash_file(file, key))
    member = known[1]
    return Member(path or member.path, member.md5, member.sha256, member.size)


def _stamp(file: Path) -> Stamp:
    stat = file.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def changed(before: Sequence[ArtifactVersion], after: Sequence[ArtifactVersion], reader: str) -> list[ArtifactVersion]:
    """Return the versions seen at the end of a read that were not there at its start; warn of each."""
    seen = {version.uri for version in before}
    moved = [version for version in after if version.uri not in seen]
    for version in moved:
        _log.warning("%s changed while %s read it; both versions are recorded.", version.uri, reader)
    return moved
