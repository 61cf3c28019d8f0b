"""How a stage leaves its outputs: whole or not at all, and the same bytes for the same input."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from handrail.errors import Unavailable
from handrail.files import replace_file

REMEDY = "Free the disk or correct the permissions, then run the stage again."

BESIDE = re.compile(r"(?<=/)\.([^/]+)\.next(?=/|$)")
"""The name that an output has until it is whole."""


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` and put it in its place when the block ends without an error."""
    beside = target.with_name(f".{target.name}.next")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, beside, ignore_errors=True)
        yield beside
        undo.pop_all()
    former = target.with_name(f".{target.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if target.exists():
        target.rename(former)
    beside.rename(target)
    shutil.rmtree(former, ignore_errors=True)


def make_once(target: Path, made_from: Mapping[str, str], make: Callable[[Path], None]) -> None:
    """Fill the folder `target` by `make`, unless it was made from the same before; its made.json says from what."""
    stamp = target / "made.json"
    if stamp.is_file() and json.loads(stamp.read_text(encoding="utf-8")) == made_from:
        return
    with fresh_folder(target) as fresh:
        make(fresh)
        write_json(fresh / stamp.name, made_from)


def write_json(target: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON in one step; floats keep their shortest exact form.

    Raises:
        Unavailable: the disk does not take it.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    replace_file(target, f"{text}\n".encode(), remedy=REMEDY)


def write_parquet(frame: pl.DataFrame, target: Path) -> None:
    """Write `frame` as parquet whose bytes depend on nothing but its rows; moments become microseconds UTC.

    Nanosecond moments would make the feature store's materialisation fail.

    Raises:
        Unavailable: the disk does not take it.
    """
    moments = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    exact = frame.with_columns(pl.col(name).cast(pl.Datetime("us", "UTC")) for name in moments)
    content = io.BytesIO()
    exact.write_parquet(content, compression="zstd", compression_level=3, row_group_size=131_072)
    write_bytes(target, content.getbuffer())


def write_bytes(target: Path, content: bytes | memoryview) -> None:
    """Write a file and the folders above it.

    Raises:
        Unavailable: the disk does not take it; the sentence names the file as it would be called when done.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as err:
        done = BESIDE.sub(r"\1", target.as_posix())
        problem = f"it cannot be written: {(err.strerror or str(err)).lower()}"
        raise Unavailable(done, problem, REMEDY) from err
