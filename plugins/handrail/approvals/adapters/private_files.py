"""Files that hold secrets or permits: written whole or not at all, readable by the owner alone where asked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from handrail.errors import Unavailable


def write_once(file: Path, content: bytes) -> bytes:
    """Write the content unless the file exists, mode 0600, in a folder of mode 0700; return what the file holds.

    Raises:
        Unavailable: the disk is full or the folder cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = _written_beside(file, content, 0o600)
        try:
            os.link(beside, file)
        except FileExistsError:
            return file.read_bytes()
        finally:
            beside.unlink()
        return content
    except OSError as err:
        raise _unavailable(file, err) from err


def replace_file(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Make the file hold exactly the content, at once.

    Raises:
        Unavailable: the disk is full or the folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _written_beside(file, content, mode).replace(file)
    except OSError as err:
        raise _unavailable(file, err) from err


def _written_beside(file: Path, content: bytes, mode: int) -> Path:
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _unavailable(file: Path, err: OSError) -> Unavailable:
    return Unavailable(
        str(file), f"it cannot be written: {err.strerror}", "Free the disk or correct the folder's owner."
    )
