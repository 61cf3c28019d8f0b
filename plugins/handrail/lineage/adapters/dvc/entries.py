"""One dependency or output as DVC writes it: which file of the project, or which data elsewhere, it names."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from handrail.lineage.adapters.dvc.project_files import listed_md5
from handrail.lineage.adapters.dvc.settings import read_settings
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT, LockedFile, OutsideData
from handrail.refs import SAFE

# What names a version of data elsewhere, the most exact first.
VERSIONS = ("version_id", "etag", "checksum", "md5")
DETAILS = (*VERSIONS, "size", "nfiles")
_SCP = re.compile(r"(?:[^/@:]+@)?(?P<host>[^/:]+):(?P<path>[^/].*)")
Located = LockedFile | OutsideData


@dataclass(frozen=True, slots=True)
class Place:
    """Where the paths of an entry begin: in `folder` of `project`.

    `folder` is relative to the project. `prefix` is the project's folder in its git repository, empty or ending in a
    slash.
    """

    project: Path
    folder: str = ""
    prefix: str = ""

    def locate(self, path: str) -> str:
        """Return the path relative to the project, or a URI if it leads out of the project's repository."""
        if "://" in path:
            return self._address(path)
        joined = posixpath.join(self.folder, path)
        if posixpath.isabs(joined):
            inside = Path(joined).is_relative_to(self.project)
            return os.path.relpath(joined, self.project) if inside else _file_uri(joined)
        relative = posixpath.normpath(joined)
        ups = sum(part == ".." for part in relative.split("/"))
        if ups > len(self.prefix.split("/")) - 1:
            return _file_uri(posixpath.normpath(self.project.joinpath(relative).as_posix()))
        return relative

    def _address(self, url: str) -> str:
        if url.startswith("remote://"):
            name, _, path = url.removeprefix("remote://").partition("/")
            at = read_settings(self.project).remotes.get(name, "")
            url = f"{at.rstrip('/')}/{path}" if at else url
        return plain_uri(url) if "://" in url else _file_uri(url)


def data_of(item: Mapping[str, Any], place: Place) -> tuple[Located, ...]:
    """Return what a dependency or an output names; nothing if DVC wrote no hash of it, as before its stage ran.

    A folder elsewhere whose files have versions of their own is one for each file.
    """
    if "repo" in item:
        return (_imported(item, place),)
    if "db" in item:
        return (_queried(item["db"]),)
    if isinstance(item.get("dataset"), Mapping):
        return _dataset(item["dataset"], place)
    where = place.locate(str(item["path"]))
    if "://" in where:
        return _outside(where, item)
    md5 = item.get("md5") or listed_md5(item.get("files") or ())
    return (LockedFile(where, str(md5), MD5 if item.get("hash") else MD5_OF_TEXT),) if md5 else ()


def plain_uri(url: str) -> str:
    """Return a URL without login, query and fragment, with what a URI must not hold escaped."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2]}{quote(parts.path, safe=f'{SAFE}/')}"


def _outside(where: str, item: Mapping[str, Any]) -> tuple[OutsideData, ...]:
    files = item.get("files")
    if files:
        return tuple(
            one for file in files for one in _outside(f"{where.rstrip('/')}/{quote(str(file['relpath']))}", file)
        )
    cloud: Mapping[str, Any] = next(iter((item.get("cloud") or {}).values()), {})
    found = {name: str(value) for name, value in {**item, **cloud}.items() if name in DETAILS}
    version = next((found[name] for name in VERSIONS if found.get(name)), "")
    # Some servers write an etag in quotation marks, which are not part of it.
    return (OutsideData(where, version.strip('"') if version.startswith('"') else version, found),)


def _imported(item: Mapping[str, Any], place: Place) -> OutsideData:
    """Name a file of another git repository by the commit that it was taken from."""
    repository, path = item["repo"], posixpath.normpath(str(item["path"])).lstrip("/")
    found = {name: str(repository[name]) for name in ("rev", "rev_lock") if repository.get(name)}
    address = f"{_git_uri(str(repository['url']), place.project).rstrip('/')}/{quote(path, safe=f'{SAFE}/')}"
    return OutsideData(address, found.get("rev_lock", found.get("rev", "")), {**found, "path": path})


def _git_uri(url: str, project: Path) -> str:
    if "://" in url:
        return f"git+{plain_uri(url)}"
    scp = _SCP.fullmatch(url)
    if scp:
        return f"git+ssh://{scp['host']}/{quote(scp['path'], safe=f'{SAFE}/')}"
    return f"git+{_file_uri(posixpath.normpath(project.joinpath(url).as_posix()))}"


def _queried(source: Mapping[str, Any]) -> OutsideData:
    """Name what `dvc import-db` read: a table, or a query by its sha256. DVC keeps no version of either."""
    query = str(source.get("query") or "")
    what = f"query/{hashlib.sha256(query.encode()).hexdigest()}" if query else str(source.get("table"))
    connection = quote(str(source.get("connection")), safe=SAFE)
    return OutsideData(f"dvc-db://{connection}/{quote(what, safe=f'{SAFE}/')}", "", {"query": query} if query else {})


def _dataset(locked: Mapping[str, Any], place: Place) -> tuple[OutsideData, ...]:
    """Name a dataset of dvc.yaml by what its lock says of it: a git repository, a URL, or a name of DataChain's."""
    kind, url = locked.get("type"), str(locked.get("url"))
    if kind == "dvc":
        return (_imported({"repo": locked, "path": locked.get("path") or "."}, place),)
    if kind == "url":
        rows = [{"relpath": file["relpath"], **(file.get("meta") or {})} for file in locked.get("files") or ()]
        return _outside(place.locate(url), {**(locked.get("meta") or {}), "files": rows})
    return (OutsideData(plain_uri(url), str(locked.get("version") or "")),)


def _file_uri(path: str) -> str:
    return f"file://{quote(path, safe=f'{SAFE}/')}"
