"""The gate's own copies on disk: private, once for equal files, whole or not at all, and verified when read."""

import os
import stat

import pytest

from handrail.approvals.adapters import folder_copies
from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.errors import Refused, Unavailable

pytestmark = pytest.mark.any_version


@pytest.fixture
def store(tmp_path):
    return tmp_path / "snapshots"


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree" / "onnx").mkdir(parents=True)
    for path, content in {"MLmodel": b"m", "onnx/a": b"same", "onnx/b": b"same"}.items():
        (tmp_path / "tree" / path).write_bytes(content)
    return tmp_path / "tree"


def _files(store):
    return [path for path in store.rglob("*") if path.is_file()]


def test_equal_files_are_kept_once_and_nobody_else_may_read_or_write(store, tree):
    manifest = FolderCopies(store).take(str(tree))

    names = {file.name for file in _files(store)}
    assert names == {entry.sha256 for entry in manifest.files} | {manifest.digest.removeprefix("sha256:")}
    assert len(names) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in _files(store)} == {0o400}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (store, *store.rglob("*")) if path.is_dir()} == {0o700}
    assert all(file.parent.name == file.name[:2] for file in _files(store))


@pytest.mark.parametrize("part", ["file", "list"])
def test_an_altered_copy_is_refused_and_taken_anew_when_asked_again(store, tree, tmp_path, part):
    snapshots = FolderCopies(store)
    manifest = snapshots.take(str(tree))
    name = manifest.files[0].sha256 if part == "file" else manifest.digest.removeprefix("sha256:")
    (altered,) = (file for file in _files(store) if file.name == name)
    altered.chmod(0o600)
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")

    with pytest.raises(Refused, match="not what was taken"):
        snapshots.lay_out(manifest.digest, tmp_path / "out")
    assert not (tmp_path / "out").exists()

    snapshots.take(str(tree))
    assert snapshots.lay_out(manifest.digest, tmp_path / "out") == manifest


class _Interrupted(BaseException):
    """The process ends here."""


def test_an_interruption_leaves_no_half_file_under_a_name(store, tree, monkeypatch):
    def write_half(_source, target):
        target.write_bytes(b"ha")
        raise _Interrupted

    monkeypatch.setattr(folder_copies, "copy_hashed", write_half)

    with pytest.raises(_Interrupted):
        FolderCopies(store).take(str(tree))

    assert _files(store) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(store, tree, monkeypatch):
    def full(_source, target):
        target.write_bytes(b"ha")
        raise OSError(28, os.strerror(28), str(target))

    monkeypatch.setattr(folder_copies, "copy_hashed", full)

    with pytest.raises(Unavailable, match="no space left on device. Free the disk"):
        FolderCopies(store).take(str(tree))

    assert _files(store) == []
