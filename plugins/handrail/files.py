"""Files that appear whole or not at all, and the hashes of files.

The promise of durability, for everything that Handrail writes this way: when a call returns, the file under its name
holds the whole new content, and a power cut right after leaves it so. The content is synced before it gets its name,
and the folder after that. A call that fails, or a process that is killed, leaves the former file as it was. With
`durable=False` nothing is synced: a killed process still leaves one whole file, a power cut may leave an older one or
none. A killed process can leave a hidden file `.<name>.<hex>.next` beside, which nobody reads.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.errors import Unavailable

PRIVATE, PUBLIC = 0o600, 0o644
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
REMEDY = "Free the disk or correct the permissions, then try again."


@contextmanager
def replacing(target: Path, *, mode: int = PUBLIC, durable: bool = True, remedy: str = REMEDY) -> Iterator[Path]:
    """Give the path of an empty file to write, and put it in the place of `target` when the block ends without error.

    The folders above are made. The file has the permissions `mode`, before anything is written into it.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written; the sentence names `target` and the `remedy`.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.next")
    with unwritable(target, remedy):
        target.parent.mkdir(parents=True, exist_ok=True)
        _make(beside, mode)
    try:
        with unwritable(target, remedy, beside):
            yield beside
        with unwritable(target, remedy):
            if durable:
                _sync(beside)
            beside.replace(target)
            if durable:
                sync_folder(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def replace_file(
    target: Path, content: bytes | memoryview, *, mode: int = PUBLIC, durable: bool = True, remedy: str = REMEDY
) -> None:
    """Make `target` hold exactly the content, at once.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written.
    """
    with replacing(target, mode=mode, durable=durable, remedy=remedy) as beside:
        beside.write_bytes(content)


def create_file(target: Path, content: bytes) -> bytes:
    """Write the content unless the file exists; return what the file holds. Of many at once, one content wins.

    The file, and a folder that has to be made for it, are their owner's alone.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.next")
    with unwritable(target, REMEDY):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(beside, PRIVATE)
        try:
            beside.write_bytes(content)
            _sync(beside)
            os.link(beside, target)
            sync_folder(target.parent)
        except FileExistsError:
            return target.read_bytes()
        finally:
            beside.unlink(missing_ok=True)
    return content


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Sync the names of a folder's files to disk."""
    try:
        _sync(folder)
    except OSError as err:
        # Some file systems cannot sync a folder; they keep its entries by other means.
        if err.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _make(beside: Path, mode: int) -> None:
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.fchmod(descriptor, mode)  # whatever the umask is
    finally:
        os.close(descriptor)


@contextmanager
def unwritable(target: Path, remedy: str, written: Path | None = None) -> Iterator[None]:
    """Make one sentence about `target` of what the system refuses in the block.

    With `written` only of what the disk refuses, or is about that file: any other error is the block's own.

    Raises:
        Unavailable: `target` cannot be written.
    """
    try:
        yield
    except OSError as err:
        if written is not None and err.errno not in DISK_ERRORS and str(err.filename) != str(written):
            raise
        problem = f"it cannot be written: {(err.strerror or str(err)).lower().rstrip('.')}"
        raise Unavailable(str(target), problem, remedy) from err


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
