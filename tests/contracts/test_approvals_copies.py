"""`TreeCopies`: the same promises by the fake and by folders."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import FakeTrees
from tests.fakes.approvals_evidence import MemoryCopies

FILES = {"MLmodel": b"a", "onnx/model.onnx": b"bb" * 1000, ".git/config": b"", "same": b"a"}
LATER = timedelta(hours=1)


class Folders:
    """Trees on disk."""

    def __init__(self, root):
        self.root, self.copies, self.trees = root, FolderCopies(root / "snapshots"), FolderTrees()

    def lay(self, name, files):
        tree = self.root / name
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        return str(tree)


class Memory:
    """Trees in the fake."""

    def __init__(self, _root):
        self.trees = FakeTrees()
        self.copies = MemoryCopies(self.trees)

    def lay(self, name, files):
        self.trees.content[name] = dict(files)
        return name


@pytest.fixture(params=[Memory, Folders])
def world(request, tmp_path):
    return request.param(tmp_path)


def _read(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_taken_is_what_is_laid_out_whatever_becomes_of_the_tree(world, tmp_path):
    tree = world.lay("tree", FILES)
    manifest = world.trees.manifest(tree)

    assert world.copies.take(tree) == world.copies.take(tree) == manifest
    world.lay("tree", {"MLmodel": b"changed"})

    assert world.copies.lay_out(manifest.digest, tmp_path / "out") == manifest
    assert _read(tmp_path / "out") == FILES


def test_a_tree_that_was_never_taken_is_unknown(world, tmp_path):
    for digest in ("sha256:" + "0" * 64, "sha256:../../x", ""):
        with pytest.raises(UnknownReference):
            world.copies.lay_out(digest, tmp_path / "out")


def test_what_no_request_is_about_is_collected_and_the_rest_stays(world, tmp_path):
    kept = world.copies.take(world.lay("kept", FILES)).digest
    garbage = world.copies.take(world.lay("garbage", {"MLmodel": b"other"})).digest
    now = datetime.now(UTC)

    assert world.copies.collect([kept], now - LATER) == 0  # its request may be on its way
    assert world.copies.collect([kept, "sha256:" + "0" * 64], now + LATER) == 2
    assert world.copies.collect([kept], now + LATER) == 0

    world.copies.lay_out(kept, tmp_path / "out")
    assert _read(tmp_path / "out") == FILES
    with pytest.raises(UnknownReference):
        world.copies.lay_out(garbage, tmp_path / "gone")


@pytest.mark.parametrize("files", [{}, {"a/.artifact.uploading.0a1b": b"half"}])
def test_what_cannot_be_approved_is_not_taken(world, files, tmp_path):
    (tmp_path / "tree").mkdir()

    with pytest.raises(Refused):
        world.copies.take(world.lay("tree", files))
