"""The objects of DVC in a cache, or a remote in a folder: files by the hash of their content, folders by a list."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from handrail.lineage import LockedFile
from handrail.lineage.adapters.dvc.project_files import FOLDER, hash_file
from handrail.lineage.adapters.dvc.settings import cached_object

Parts = list[tuple[str, LockedFile]]


def parts_of(root: Path, file: LockedFile) -> Parts:
    """Return the files that a file or folder consists of, each under its path below it; a file has the path "".

    Raises:
        OSError: the list of the folder is missing.
        ValueError: it is not a list of files.
    """
    if not file.md5.endswith(FOLDER):
        return [("", file)]
    rows = json.loads(cached_object(root, file).read_bytes())
    try:
        return [(row["relpath"], LockedFile(file.path, row["md5"], file.hash_name)) for row in rows]
    except (KeyError, TypeError) as err:
        raise ValueError(f"{file.md5} is not a list of files") from err


def objects_of(root: Path, file: LockedFile) -> list[LockedFile]:
    """Return every object of a file or folder, its list first; the list alone if that is missing or broken."""
    try:
        inner = [part for _, part in parts_of(root, file)]
    except (OSError, ValueError):
        inner = []
    return list(dict.fromkeys([file, *inner]))


def holds(root: Path, file: LockedFile) -> bool:
    """Return whether every object of a file or folder is there."""
    return all(cached_object(root, one).is_file() for one in objects_of(root, file))


def size_of(root: Path, file: LockedFile) -> int:
    """Return how many bytes of a file or folder are there."""
    places = (cached_object(root, one) for one in objects_of(root, file))
    return sum(place.stat().st_size for place in places if place.is_file())


def borrow(source: Path, target: Path, file: LockedFile) -> None:
    """Copy the objects of a file or folder from one folder of objects into another.

    What is there already, is missing or has other bytes than its name says is left out.
    """
    _copy(source, target, file)
    for one in objects_of(target, file):
        _copy(source, target, one)


def _copy(source: Path, target: Path, one: LockedFile) -> None:
    held, place = cached_object(source, one), cached_object(target, one)
    if place.is_file() or not held.is_file():
        return
    if hash_file(held, one.path, one.hash_name).md5 != one.md5.removesuffix(FOLDER):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.tmp")
    shutil.copyfile(held, beside)
    beside.chmod(0o444)
    os.replace(beside, place)
