"""Artifact trees on a local disk: hashed where they lie, or hashed while they are copied."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import yaml

from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.approvals.domain.formats import HEAD_BYTES, MLMODEL, formats_in
from handrail.approvals.evidence_ports import Trees
from handrail.errors import FolderNotEmpty, Refused, Unavailable, UnknownReference
from handrail.files import DISK_ERRORS
from handrail.manifest import FileEntry, Manifest

CHUNK_BYTES = 1 << 20
MOST_FOLDERS = 100
"""How deep folders may lie within one another: each is held open while those in it are read."""
LARGEST_MLMODEL = 4 << 20
UPLOADING = ".artifact.uploading."
"""How MLflow calls a file of which not everything has arrived."""
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

OnFolder = Callable[[str], None]
OnFile = Callable[[str, int], None]


class FolderTrees(Trees):
    """Keeps the promise of `Trees`."""

    def manifest(self, tree: str) -> Manifest:
        """List and hash every file below the folder, hidden ones included, following no link.

        Raises:
            UnknownReference: there is no such folder.
            Refused: it holds no file, or something other than files and folders.
        """
        entries: list[FileEntry] = []

        def on_file(path: str, descriptor: int) -> None:
            refuse_unfinished(path)
            size, digest = copy_hashed(descriptor, None)
            entries.append(FileEntry(path, size, digest))

        with as_refused(tree):
            with opened(tree) as root:
                walk(root, "", refuse_unfinished, on_file)
            return Manifest.of(entries)

    def formats(self, tree: str) -> Mapping[str, str]:
        """Look at MLmodel and at the beginning of each file below the folder.

        Raises:
            UnknownReference: there is no such folder.
            Refused: it holds something other than files and folders, or an MLmodel that cannot be read.
        """
        heads: dict[str, bytes] = {}
        described: list[bytes] = []

        def on_file(path: str, descriptor: int) -> None:
            heads[path] = os.pread(descriptor, HEAD_BYTES, 0)
            if path == MLMODEL:
                described.append(os.pread(descriptor, LARGEST_MLMODEL + 1, 0))

        with as_refused(tree):
            with opened(tree) as root:
                walk(root, "", lambda _path: None, on_file)
            return formats_in(heads, read_mlmodel(described[0]) if described else None)


def refuse_unfinished(path: str) -> None:
    """Refuse the folder in which MLflow collects an upload that has not ended."""
    if path.rpartition("/")[2].startswith(UPLOADING):
        raise _NotPlain(path, "an upload that has not ended")


def read_mlmodel(content: bytes) -> Any:
    """Return what an MLmodel says.

    Raises:
        ValueError: it is no YAML, or too large to be one.
    """
    if len(content) > LARGEST_MLMODEL:
        raise ValueError(f"{MLMODEL!r} is larger than {LARGEST_MLMODEL:,} bytes")
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as err:
        raise ValueError(f"{MLMODEL!r} is not YAML") from err


@contextmanager
def as_refused(tree: str) -> Iterator[None]:
    """Say in one sentence what cannot be approved of a tree."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as err:
        raise UnknownReference(
            "artifact tree", tree, "Check the path; a version whose files are gone has to be made again."
        ) from err
    except ValueError as err:
        raise Refused(f"The artifact tree {tree!r}", (f"Of its content: {err}.",)) from err


def copy_verified(
    tree: Path, manifest: Manifest, into: Path, besides: Mapping[str, frozenset[bytes]] | None = None
) -> None:
    """Copy exactly the files of the manifest into a new private folder, hashing the bytes that are written.

    Load from `into` alone: the files in `tree` may change at any time. A file of `besides` may be there too, if it has
    one of those contents; it is not copied.

    Raises:
        UnverifiedBytes: a file is missing, extra, different or no regular file; `into` is then gone.
        Unavailable: the disk is full; `into` is then as before.
        FolderNotEmpty: `into` holds something.
    """
    make_private(into)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, into, ignore_errors=True)
        _copy_all(tree, manifest, into, besides or {})
        undo.pop_all()


def _copy_all(tree: Path, manifest: Manifest, into: Path, besides: Mapping[str, frozenset[bytes]]) -> None:
    expected = {entry.path: entry for entry in manifest.files}
    folders = manifest.folders

    def on_folder(path: str) -> None:
        if path not in folders:
            raise UnverifiedBytes(str(tree), f"The folder {path!r} is not in the permit.", path)
        (into / path).mkdir(mode=0o700)

    def on_file(path: str, descriptor: int) -> None:
        entry = expected.pop(path, None)
        if entry is None and _has_one_of(descriptor, besides.get(path, frozenset())):
            return
        if entry is None:
            raise UnverifiedBytes(str(tree), f"The file {path!r} is not in the permit.", path)
        if copy_hashed(descriptor, into / path, entry.size) != (entry.size, entry.sha256):
            raise UnverifiedBytes(str(tree), f"The file {path!r} differs from what was approved.", path)

    with _as_unverified(tree, into), opened(str(tree.resolve())) as root:
        walk(root, "", on_folder, on_file)
    if expected:
        path = min(expected)
        raise UnverifiedBytes(str(tree), f"The file {path!r} is missing.", path)


@contextmanager
def _as_unverified(tree: Path, into: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as err:
        raise UnverifiedBytes(str(tree), f"Of its content: {err}.", getattr(err, "path", None)) from err
    except OSError as err:
        if err.errno in DISK_ERRORS:
            raise Unavailable(str(into), f"copying failed: {err.strerror}", "Free the disk and start again.") from err
        raise UnverifiedBytes(str(tree), f"It cannot be read: {err.strerror}.") from err


class _NotPlain(ValueError):
    """Something that is neither a regular file nor a folder; `path` names it."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path!r} is {what}; only files and folders can be approved")
        self.path = path


def walk(folder: int, prefix: str, on_folder: OnFolder, on_file: OnFile) -> None:
    """Call one of the two for all that lies below a folder that is held open, in order, following no link.

    Raises:
        ValueError: something is neither file nor folder, or a folder lies too deep.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = prefix + name
        path.encode("utf-8")  # a permit can only hold names that are text
        # Opening relative to the folder that is held open, without following links: what is looked at is what is read.
        kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind):
            on_folder(path)
            if path.count("/") >= MOST_FOLDERS:
                raise ValueError(f"the folder {path[:60]!r}... lies more than {MOST_FOLDERS} folders deep")
            with opened(name, folder) as below:
                walk(below, f"{path}/", on_folder, on_file)
        elif stat.S_ISREG(kind):
            with opened(name, folder, _FILE_FLAGS) as descriptor:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise _NotPlain(path, "no longer a file")
                on_file(path, descriptor)
        else:
            raise _NotPlain(path, "a link" if stat.S_ISLNK(kind) else "a special file")


@contextmanager
def opened(name: str, folder: int | None = None, flags: int = _FOLDER_FLAGS) -> Iterator[int]:
    """Hold a folder open for the length of a block."""
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def copy_hashed(source: int, target: Path | None, most: int | None = None) -> tuple[int, str]:
    """Read the source once; write to the target, if any, exactly what was hashed.

    With `most` it stops within a megabyte behind so many bytes: the size that is returned is then larger.
    """
    digest, size = hashlib.sha256(), 0
    with open(target, "xb", opener=_private) if target else nullcontext() as written:
        while chunk := os.read(source, CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            if written is not None:
                written.write(chunk)
            if most is not None and size > most:
                break
    return size, digest.hexdigest()


def _has_one_of(source: int, contents: frozenset[bytes]) -> bool:
    """Read no more than the longest of them, and say whether the file is one of them."""
    longest = max(map(len, contents), default=0)
    return bool(contents) and os.pread(source, longest + 1, 0) in contents


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def make_private(into: Path) -> None:
    """Make a folder that is empty and this account's alone."""
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        occupied = any(into.iterdir())
        into.chmod(0o700)
    except OSError as err:
        raise Unavailable(str(into), f"it cannot be used: {err.strerror}", "Give a new or empty folder.") from err
    if occupied:
        raise FolderNotEmpty(str(into))
