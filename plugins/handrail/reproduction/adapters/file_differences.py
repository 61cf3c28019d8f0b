"""Describes how two files differ: tables by rows and columns, JSON by numbers, texts by line, others by byte."""

from __future__ import annotations

import json
import math
import shutil
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from handrail.files import unwritable
from handrail.lineage import LockedFile, tree_digest
from handrail.lineage.adapters.dvc.project_files import ProjectFiles, hash_file
from handrail.reproduction.adapters.work_folder import ANOTHER_FOLDER
from handrail.reproduction.domain.numbers import numbers_apart
from handrail.reproduction.domain.results import Grade
from handrail.reproduction.ports import FileComparer

BLOCK = 1 << 20
MOST_TEXT = 50_000_000
SHOWN = 3
MLMODEL = "MLmodel"
MADE_ANEW = frozenset({"artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created"})


class FileDifferences(FileComparer):
    """Compares files by their contents."""

    def digest(self, root: Path, file: LockedFile) -> str | None:
        """Return DVC's md5 of what is at a file's or folder's path below `root`; None if nothing is there."""
        return ProjectFiles.of_dvc(root).md5_of(file.path, file.hash_name)

    def tree_digest(self, root: Path, path: str) -> str:
        """Return the digest by which permits name a folder."""
        return tree_digest([hash_file(root / name, name) for name in self.files(root, path)], path)

    def files(self, root: Path, path: str) -> tuple[str, ...]:
        """Return the files at or below a path, by their paths below `root`, in order."""
        target = root / path
        found = [target] if target.is_file() else [file for file in target.rglob("*") if file.is_file()]
        return tuple(sorted(file.relative_to(root).as_posix() for file in found))

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file or folder, replacing what is there.

        Raises:
            Unavailable: the disk does not take it.
        """
        with unwritable(target, ANOTHER_FOLDER):
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)

    def compare(self, recorded: Path, reproduced: Path, tolerance: float) -> tuple[Grade, str]:
        """Return how equal two files are, and the difference in words; empty if their bytes are equal."""
        if _first_difference(recorded, reproduced) is None:
            return Grade.BYTES, ""
        if recorded.name == MLMODEL and (model := _model_file(recorded, reproduced)):
            return model
        if recorded.suffix == ".json":
            return _json(recorded, reproduced, tolerance)
        if recorded.suffix == ".parquet" and (table := _parquet(recorded, reproduced)):
            return table
        return Grade.DIFFERS, _text(recorded, reproduced) or _bytes(recorded, reproduced)


def _model_file(recorded: Path, reproduced: Path) -> tuple[Grade, str] | None:
    """Compare two MLmodel files without what MLflow makes anew for every logged model; None if more differs."""
    try:
        one, other = (yaml.safe_load(file.read_bytes()) for file in (recorded, reproduced))
        uneven = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    except (yaml.YAMLError, AttributeError, ValueError):
        return None
    if uneven - MADE_ANEW:
        return None
    return Grade.WITHIN, f"only what MLflow makes anew for each model: {', '.join(sorted(uneven)) or 'its layout'}"


def _json(recorded: Path, reproduced: Path, tolerance: float) -> tuple[Grade, str]:
    try:
        one, other = (json.loads(file.read_bytes()) for file in (recorded, reproduced))
    except ValueError:
        return Grade.DIFFERS, _bytes(recorded, reproduced)
    apart = numbers_apart(one, other)
    return (Grade.WITHIN if apart.within(tolerance) else Grade.DIFFERS), apart.sentence


def _parquet(recorded: Path, reproduced: Path) -> tuple[Grade, str] | None:
    """Compare two tables by their values; None if pyarrow is not there or cannot read them."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq

        one, other = pq.read_table(recorded), pq.read_table(reproduced)
    except (ImportError, OSError, ValueError):
        return None
    if one.num_rows != other.num_rows:
        return Grade.DIFFERS, f"{other.num_rows:,} rows instead of {one.num_rows:,}"
    gone = sorted(set(one.column_names) ^ set(other.column_names))
    if gone:
        return Grade.DIFFERS, f"the column {gone[0]!r} is on one side only"
    uneven = [name for name in one.column_names if not one[name].equals(other[name])]
    found = {name: words for name in uneven if (words := _column(pa, one[name], other[name]))}
    if not found:
        return Grade.WITHIN, f"the same {one.num_rows:,} rows and {one.num_columns} columns, written otherwise"
    shown = ", ".join(f"{name} ({words})" for name, words in list(found.items())[:SHOWN])
    return Grade.DIFFERS, f"{len(found)} of {one.num_columns} columns differ: {shown}"


def _column(pa: Any, one: Any, other: Any) -> str:
    """Say how two columns differ; empty if they do in NaN alone, which does not equal itself."""
    if one.type != other.type:
        return f"{other.type} instead of {one.type}"
    left, right = one.to_pylist(), other.to_pylist()
    uneven = [(a, b) for a, b in zip(left, right, strict=True) if not _same(a, b)]
    if (pa.types.is_floating(one.type) or pa.types.is_integer(one.type)) and uneven:
        far = max((abs(a - b) for a, b in uneven if a is not None and b is not None), default=math.inf)
        return f"{len(uneven):,} values, by up to {far:.3g}"
    return f"{len(uneven):,} values" if uneven else ""


def _same(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and one != one and other != other)


def _text(recorded: Path, reproduced: Path) -> str:
    """Name the first line that differs; empty if the files are not text."""
    if max(recorded.stat().st_size, reproduced.stat().st_size) > MOST_TEXT:
        return ""
    try:
        one, other = (file.read_text(encoding="utf-8") for file in (recorded, reproduced))
    except UnicodeDecodeError:
        return ""
    if "\x00" in one or "\x00" in other:
        return ""
    for number, (left, right) in enumerate(zip_longest(one.splitlines(), other.splitlines()), 1):
        if left != right:
            return f"line {number} is {_cut(right)} instead of {_cut(left)}"
    return "its line ends differ"


def _cut(line: str | None) -> str:
    return "missing" if line is None else repr(line if len(line) <= 60 else f"{line[:57]}...")


def _bytes(recorded: Path, reproduced: Path) -> str:
    sizes = [file.stat().st_size for file in (recorded, reproduced)]
    place = _first_difference(recorded, reproduced)
    where = f"from byte {place:,} on" if place is not None else "written otherwise"
    return where if sizes[0] == sizes[1] else f"{where}, {sizes[1]:,} bytes instead of {sizes[0]:,}"


def _first_difference(recorded: Path, reproduced: Path) -> int | None:
    """Return the position of the first byte that differs; None if there is none."""
    position = 0
    with recorded.open("rb") as one, reproduced.open("rb") as other:
        while True:
            left, right = one.read(BLOCK), other.read(BLOCK)
            if left != right:
                same = next((i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
                return position + (same if same is not None else min(len(left), len(right)))
            if not left:
                return None
            position += len(left)
