"""How a stage leaves its outputs: whole or not at all, and the same bytes for the same input."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` and put it in its place when the block ends without an error."""
    beside = target.with_name(f".{target.name}.next")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if target.exists():
        shutil.rmtree(target)
    beside.rename(target)


def write_json(target: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON in one step; floats keep their shortest exact form."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.next")
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    beside.write_text(text + "\n", encoding="utf-8")
    os.replace(beside, target)


def write_parquet(frame: pl.DataFrame, target: Path) -> None:
    """Write `frame` as parquet whose bytes depend on nothing but its rows; moments become microseconds UTC.

    Nanosecond moments would make the feature store's materialisation fail.
    """
    moments = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    exact = frame.with_columns(pl.col(name).cast(pl.Datetime("us", "UTC")) for name in moments)
    target.parent.mkdir(parents=True, exist_ok=True)
    exact.write_parquet(target, compression="zstd", compression_level=3, row_group_size=131_072)


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file's bytes as hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
