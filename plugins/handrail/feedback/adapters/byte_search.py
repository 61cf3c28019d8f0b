"""Looks for names in files by their bytes, packed ones and Parquet unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import mmap
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handrail.feedback.erasure_ports import Leftovers

AT_ONCE = 8 * 1024 * 1024
UNREAD = "it cannot be read"
Buffer = bytes | mmap.mmap


def find_in(data: Buffer, needles: Mapping[str, bytes], covers: Sequence[bytes] = ()) -> str | None:
    """Return the first spelling that is in the data, None if there is none outside of `covers`."""
    for name, needle in needles.items():
        longer = [cover for cover in covers if needle in cover]
        at = data.find(needle)
        while at >= 0 and any(_covers(data, at, needle, cover) for cover in longer):
            at = data.find(needle, at + 1)
        if at >= 0:
            return name
    return None


def _covers(data: Buffer, at: int, needle: bytes, cover: bytes) -> bool:
    within = cover.find(needle)
    while within >= 0:
        begin = at - within
        if begin >= 0 and data[begin : begin + len(cover)] == cover:
            return True
        within = cover.find(needle, within + 1)
    return False


class FolderLeftovers(Leftovers):
    """Every file below folders, and files by themselves; what is gone while it looks is gone."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places

    def shrink(self) -> str:
        """Leave files as they are."""
        return ""

    def search(self, needles: Mapping[str, bytes], covers: Sequence[bytes]) -> Iterator[tuple[str, str]]:
        """Yield each file that has one of the spellings, or that cannot be read."""
        seen: set[Path] = set()
        for place in self._places:
            for file in _files(place):
                if file in seen:
                    continue
                seen.add(file)
                try:
                    found = search_file(file, needles, covers)
                except FileNotFoundError:
                    continue
                except (OSError, MemoryError):
                    found = UNREAD
                if found:
                    yield str(file), found


def search_file(file: Path, needles: Mapping[str, bytes], covers: Sequence[bytes] = ()) -> str | None:
    """Return the first spelling that a file holds, as it is or unpacked.

    Raises:
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(file.stat().st_mode) or file.stat().st_size == 0:
        return None
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = find_in(data, needles, covers)
        head = data[:8]
    if found:
        return found
    for magic, unpacked in _UNPACKED.items():
        if head.startswith(magic):
            return _in_windows(unpacked(file), needles, covers)
    return None


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in sorted(names))


def _in_windows(chunks: Iterator[bytes], needles: Mapping[str, bytes], covers: Sequence[bytes]) -> str | None:
    """Look through what comes piece by piece; what is on both sides of a cut is seen whole."""
    overlap = max(map(len, (*needles.values(), *covers)), default=1)
    before = b""
    try:
        for chunk in chunks:
            window = before + chunk
            if found := find_in(window, needles, covers):
                return f"{found}, packed"
            before = window[-2 * overlap :]
    except (EOFError, ValueError, zipfile.BadZipFile, lzma.LZMAError):
        return None  # it only begins like one; as it is it was looked through
    return None


def _read(opened: Any) -> Iterator[bytes]:
    with opened as stream:
        while chunk := stream.read(AT_ONCE):
            yield chunk


def _gzip(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file) as stream:
            yield from _read(stream)
    except gzip.BadGzipFile as err:
        raise ValueError(str(err)) from err


def _zstd(file: Path) -> Iterator[bytes]:
    import pyarrow as pa

    yield from _read(pa.CompressedInputStream(pa.OSFile(str(file)), "zstd"))


def _zip(file: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.flag_bits & 1:
                yield from _read(archive.open(member))


def _parquet(file: Path) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(50_000):
            yield _texts(batch)


def _arrow(file: Path) -> Iterator[bytes]:
    import pyarrow as pa

    with pa.OSFile(str(file)) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield _texts(reader.get_batch(number))


def _texts(batch: Any) -> bytes:
    """Return the values of every column that may hold a text, each in its own line."""
    found: set[bytes] = set()
    for column in batch.columns:
        if str(column.type) not in ("double", "float", "bool") and not str(column.type).startswith("timestamp"):
            found.update(value if isinstance(value, bytes) else str(value).encode() for value in column.to_pylist())
    return b"\n" + b"\n".join(found) + b"\n"


def _bzip(file: Path) -> Iterator[bytes]:
    with bz2.open(file) as stream:
        yield from _read(stream)


def _xz(file: Path) -> Iterator[bytes]:
    with lzma.open(file) as stream:
        yield from _read(stream)


_UNPACKED: Mapping[bytes, Callable[[Path], Iterator[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"PK\x03\x04": _zip,
    b"PAR1": _parquet,
    b"ARROW1": _arrow,
    b"BZh": _bzip,
    b"\xfd7zXZ": _xz,
}
"""How the contents of a file are read that begins like that."""
