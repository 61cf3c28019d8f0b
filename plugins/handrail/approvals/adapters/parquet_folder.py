"""Parquet files in a folder by the sha256 of their bytes, readable by the server alone, and never written again."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from handrail.errors import InvalidInput
from handrail.files import REMEDY as FREE
from handrail.files import sync_folder, unwritable

CHUNK_BYTES = 1 << 20
PARQUET = b"PAR1"
READ_ONLY = 0o400
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ParquetFolder:
    """`<folder>/<two hex digits>/<hex>.parquet`."""

    def __init__(self, folder: Path, largest_bytes: int, remedy: str) -> None:
        """Keep files below the folder; `remedy` is for what is no Parquet file."""
        self._folder = folder
        self._largest = largest_bytes
        self._remedy = remedy

    def keep(self, content: BinaryIO) -> str:
        """Keep the bytes durably; return their digest.

        Raises:
            InvalidInput: it is not a Parquet file, or too large.
            Unavailable: the disk is full, or the folder cannot be written.
        """
        with unwritable(self._folder, FREE):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".incoming-")
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as incoming, unwritable(self._folder, FREE, beside):
                digest = self._receive(content, incoming)
                os.fchmod(descriptor, READ_ONLY)
                os.fsync(descriptor)
            with unwritable(self._folder, FREE):
                file = self._file(digest)
                file.parent.mkdir(mode=0o700, exist_ok=True)
                beside.replace(file)
                sync_folder(file.parent)
        finally:
            beside.unlink(missing_ok=True)
        return digest

    def path(self, digest: str) -> Path | None:
        """Return where the bytes are, None if they are not here."""
        return self._file(digest) if _DIGEST.fullmatch(digest) and self._file(digest).is_file() else None

    def _file(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._folder / name[:2] / f"{name}.parquet"

    def _receive(self, content: BinaryIO, into: IO[bytes]) -> str:
        digest, size, head, tail = hashlib.sha256(), 0, b"", b""
        while chunk := content.read(CHUNK_BYTES):
            size += len(chunk)
            if size > self._largest:
                raise InvalidInput("body", f"it is larger than {self._largest:,} bytes", "Hand in fewer rows.")
            digest.update(chunk)
            into.write(chunk)
            head, tail = (head + chunk[:4])[:4], (tail + chunk[-4:])[-4:]
        into.flush()
        if (head, tail) != (PARQUET, PARQUET):
            raise InvalidInput("body", "it is not a Parquet file", self._remedy)
        return f"sha256:{digest.hexdigest()}"
