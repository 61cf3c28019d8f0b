"""The files of a source that hold its rows, as Spark counts them: on this machine and in an object store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote

from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.utils import glob_translate
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

WILD = re.compile(r"[*?\[]")
_NULL = "__HIVE_DEFAULT_PARTITION__"
_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "_spark_metadata": "Spark streaming"}
_ICEBERG = re.compile(r"(?P<table>.*)/metadata/[^/]*\.metadata\.json")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with rows; `partitions` holds the columns that folder names below the source give, None for null."""

    path: str
    partitions: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableFolder:
    """A folder where a log says which files count: of a `Delta`, `Hudi`, `Iceberg` or `Spark streaming` table."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What is at a path: the data files by path, and a table that they belong to or that lies among them."""

    files: Sequence[DataFile]
    table: TableFolder | None = None


def list_files(filesystem: FileSystem, path: str) -> Listing:
    """List a file, a folder with all below it, or the files that a pattern matches; nothing there is an empty listing.

    Left out below the folder are empty files, and all whose name or folder begins with `_` or `.`; as in Spark,
    `_year=2020` is a partition all the same.
    """
    path = path.rstrip("/")
    kind = filesystem.get_file_info(path).type
    if kind == FileType.File:
        return Listing([DataFile(path)])
    if kind == FileType.Directory:
        found = filesystem.get_file_info(FileSelector(path, recursive=True))
        logs = filter(None, map(_log_at, (info.path for info in found)))
        return Listing(_data_files(found, path), next(logs, None) or _table_around(filesystem, path))
    if not WILD.search(path):
        return Listing([])
    root = WILD.split(path)[0].rpartition("/")[0]
    files = _data_files(_matched(filesystem, path, root), root)
    folders = {str(parent) for file in files for parent in PurePosixPath(file.path).parents}
    below = sorted(folder for folder in folders if folder.startswith(f"{root}/") and "=" not in folder)
    tables = filter(None, (_table_in(filesystem, folder) for folder in below))
    return Listing(files, _table_around(filesystem, root) or next(tables, None))


def _matched(filesystem: FileSystem, pattern: str, root: str) -> list[FileInfo]:
    """Return what a pattern matches below a folder. In Google's storage pyarrow sees no folders between files."""
    if filesystem.type_name != "gcs":
        found: list[FileInfo] = filesystem.get_file_info(ArrowFSWrapper(filesystem).glob(pattern))
        return found
    fits = re.compile(glob_translate(pattern))
    below = filesystem.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
    return [info for info in below if fits.match(info.path)]


def _data_files(found: Iterable[FileInfo], root: str) -> list[DataFile]:
    files = sorted(info.path for info in found if info.type == FileType.File and info.size)
    named = [(path, path.removeprefix(root).strip("/").split("/")) for path in files]
    return [DataFile(path, _partitions(names[:-1])) for path, names in named if not any(map(_is_left_out, names))]


def _is_left_out(name: str) -> bool:
    hidden = name.startswith(".") or (name.startswith("_") and "=" not in name)
    return hidden or name.endswith("._COPYING_")


def _partitions(folders: Sequence[str]) -> dict[str, str | None]:
    pairs = [folder.split("=", 1) for folder in folders if "=" in folder]
    return {unquote(name): None if value == _NULL else unquote(value) for name, value in pairs}


def _log_at(path: str) -> TableFolder | None:
    """Return the table whose log a path is or belongs to."""
    parent, _, name = path.rpartition("/")
    if name in _LOGS:
        return TableFolder(_LOGS[name], parent)
    iceberg = _ICEBERG.fullmatch(path)
    return TableFolder("Iceberg", iceberg["table"]) if iceberg else None


def _table_around(filesystem: FileSystem, folder: str) -> TableFolder | None:
    """Return the table that a folder is, or that it is a partition or the data folder of."""
    for place in _upward(folder):
        if table := _table_in(filesystem, place):
            return table
    return None


def _upward(folder: str) -> Iterator[str]:
    yield folder
    while "=" in (name := folder.rpartition("/")[2]) or name == "data":
        folder = folder.rpartition("/")[0]
        yield folder


def _table_in(filesystem: FileSystem, folder: str) -> TableFolder | None:
    *logs, metadata = filesystem.get_file_info([f"{folder}/{name}" for name in (*_LOGS, "metadata")])
    found = [info.path for info in logs if info.type != FileType.NotFound]
    if metadata.type == FileType.Directory:
        found += [info.path for info in filesystem.get_file_info(FileSelector(metadata.path))]
    return next(filter(None, map(_log_at, found)), None)
