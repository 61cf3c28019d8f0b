"""The gate's own copies of trees below one folder: `sha256/<aa>/<hex>` for each file, and for each list of files.

The list of a tree's files is a file like the others: its sha256 is the digest of the tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from handrail.approvals.adapters.folder_trees import (
    LARGEST_MLMODEL,
    as_refused,
    copy_hashed,
    make_private,
    opened,
    read_mlmodel,
    refuse_unfinished,
    walk,
)
from handrail.approvals.domain.formats import HEAD_BYTES, MLMODEL, formats_in
from handrail.approvals.domain.prompts import manifest_of_texts
from handrail.approvals.evidence_ports import TreeCopies
from handrail.errors import Refused, UnknownReference
from handrail.files import sha256_of, sync_folder, unwritable
from handrail.manifest import FileEntry, Manifest, canonical_json

REMEDY = "Free the disk or correct the permissions, then ask again; nothing was changed."
LARGEST_IN_MEMORY = 1 << 30
_HEX = re.compile(r"sha256:([0-9a-f]{64})")


class FolderCopies(TreeCopies):
    """Keeps the promise of `TreeCopies` in a folder that is the gate's alone."""

    def __init__(self, folder: Path) -> None:
        """Keep trees below this folder, made at the first one."""
        self._files = folder / "sha256"
        self._arriving = folder / "arriving"

    def take(self, tree: str) -> Manifest:
        """Copy and hash every file below the folder, then write the list of them."""
        entries: list[FileEntry] = []

        def on_file(path: str, descriptor: int) -> None:
            refuse_unfinished(path)
            with self._arrival() as beside:
                size, digest = copy_hashed(descriptor, beside)
                self._keep(beside, digest, size)
            entries.append(FileEntry(path, size, digest))

        with as_refused(tree):
            with opened(tree) as root:
                walk(root, "", refuse_unfinished, on_file)
            manifest = Manifest.of(entries)
        self._write(canonical_json(manifest.to_json()))
        return manifest

    def take_texts(self, texts: Mapping[str, str]) -> Manifest:
        """Write each text, then the list of them."""
        manifest = manifest_of_texts(texts)
        for text in texts.values():
            self._write(text.encode("utf-8"))
        self._write(canonical_json(manifest.to_json()))
        return manifest

    def _write(self, content: bytes) -> None:
        with self._arrival() as beside:
            beside.write_bytes(content)
            self._keep(beside, hashlib.sha256(content).hexdigest(), len(content))

    def keeps(self, tree_digest: str) -> bool:
        """Return whether the list of the tree's files is there."""
        found = _HEX.fullmatch(tree_digest)
        return found is not None and self._place(found[1]).is_file()

    def read(self, entry: FileEntry) -> bytes:
        """Return the bytes of one file, hashed again."""
        if entry.size > LARGEST_IN_MEMORY:
            raise Refused(f"Reading {entry.path!r}", (f"It has more than {LARGEST_IN_MEMORY:,} bytes.",))
        with self._opened(entry) as file:
            content = file.read(entry.size + 1)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise _altered(entry.path, "a file")
        return content

    def formats(self, tree_digest: str) -> Mapping[str, str]:
        """Look at MLmodel and at the beginning of each file; the files are as they were when they were taken."""
        heads: dict[str, bytes] = {}
        described: bytes | None = None
        for entry in self.manifest(tree_digest).files:
            with self._opened(entry) as file:
                heads[entry.path] = file.read(HEAD_BYTES)
            if entry.path == MLMODEL:
                with self._opened(entry) as file:
                    described = file.read(LARGEST_MLMODEL + 1)
        with as_refused(tree_digest):
            return formats_in(heads, None if described is None else read_mlmodel(described))

    def lay_out(self, tree_digest: str, into: Path) -> Manifest:
        """Copy the listed files into a private folder, hashing them again."""
        manifest = self.manifest(tree_digest)
        make_private(into)
        with ExitStack() as undo, unwritable(into, REMEDY):
            undo.callback(shutil.rmtree, into, ignore_errors=True)
            for entry in manifest.files:
                self._lay(entry, into)
            undo.pop_all()
        return manifest

    def collect(self, keep: Collection[str], before: datetime) -> int:
        """Remove unlisted files, and what an interruption left half written."""
        kept = {digest.removeprefix("sha256:") for digest in keep}
        for digest in keep:
            try:
                kept |= {entry.sha256 for entry in self.manifest(digest).files}
            except UnknownReference:
                continue  # asked for before the gate kept copies
            except Refused:
                return 0  # which files it lists is not known any more, and none of them may go
        old = [file for file in self._old(before) if file.parent == self._arriving or file.name not in kept]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def _old(self, before: datetime) -> Iterator[Path]:
        for place in (self._files, self._arriving):
            for file in place.rglob("*"):
                if file.is_file() and file.stat().st_mtime < before.timestamp():
                    yield file

    def manifest(self, tree_digest: str) -> Manifest:
        """Return the list, whose own sha256 is the digest."""
        found = _HEX.fullmatch(tree_digest)
        file = self._place(found[1]) if found else None
        if file is None or not file.is_file():
            raise UnknownReference("copy of a tree", tree_digest, "Ask for the promotion of these files first.")
        content = file.read_bytes()
        try:
            manifest = Manifest.from_json(json.loads(content))
        except ValueError as err:
            raise _altered(tree_digest, "its list of files") from err
        if manifest.digest != tree_digest:
            raise _altered(tree_digest, "its list of files")
        return manifest

    def _lay(self, entry: FileEntry, into: Path) -> None:
        target = into / entry.path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._opened(entry) as file:
            if copy_hashed(file.fileno(), target, entry.size) != (entry.size, entry.sha256):
                raise _altered(entry.path, "a file")

    @contextmanager
    def _opened(self, entry: FileEntry) -> Iterator[BinaryIO]:
        try:
            descriptor = os.open(self._place(entry.sha256), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as err:
            raise _altered(entry.path, "a file") from err
        with os.fdopen(descriptor, "rb") as file:
            yield file

    def _place(self, digest: str) -> Path:
        return self._files / digest[:2] / digest

    @contextmanager
    def _arrival(self) -> Iterator[Path]:
        """Give the path of a new file in the store, and remove what is left of it at the end."""
        beside = self._arriving / secrets.token_hex(8)
        with unwritable(self._files, REMEDY):
            for folder in (self._files.parent, self._files, self._arriving):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with unwritable(self._files, REMEDY, beside):
                yield beside
        finally:
            beside.unlink(missing_ok=True)

    def _keep(self, beside: Path, digest: str, size: int) -> None:
        """Give a file its name by content, unless it is there; its time says when it was last needed."""
        place = self._place(digest)
        if place.is_file() and place.stat().st_size == size and sha256_of(place) == digest:
            os.utime(place)
            return
        place.parent.mkdir(mode=0o700, exist_ok=True)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.chmod(0o400)
        beside.replace(place)
        sync_folder(place.parent)


def _altered(what: str, part: str) -> Refused:
    reason = f"Of the copy, {part} ({what}) is missing or not what was taken. Restore the folder from a backup."
    return Refused("Reading the gate's own copy", (reason,))
