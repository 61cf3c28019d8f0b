"""`TreeCopies`: the same promises by the fake and by folders."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.errors import Refused, UnknownReference
from tests.contracts.test_approvals_trees import CODE, FORMATS
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


def test_texts_are_kept_as_the_tree_of_files_that_hold_them(world, tmp_path):
    texts = {"template.txt": "Hé\r\n{{name}}", "model_config.json": "{}\n"}
    tree = world.lay("same", {path: text.encode() for path, text in texts.items()})

    manifest = world.copies.take_texts(texts)

    assert manifest == world.trees.manifest(tree) == world.copies.manifest(manifest.digest)
    assert world.copies.keeps(manifest.digest)
    assert world.copies.lay_out(manifest.digest, tmp_path / "copy") == manifest
    assert _read(tmp_path / "copy") == {path: text.encode() for path, text in texts.items()}


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


def test_a_kept_tree_is_known_by_its_digest_alone(world):
    tree = world.lay("tree", FILES)
    digest = world.trees.manifest(tree).digest
    assert not world.copies.keeps(digest)

    manifest = world.copies.take(tree)
    world.lay("tree", {"MLmodel": b"changed"})

    assert world.copies.keeps(digest)
    assert world.copies.manifest(digest) == manifest
    assert not world.copies.keeps("sha256:" + "0" * 64)
    assert not world.copies.keeps("sha256:../../x")
    with pytest.raises(UnknownReference):
        world.copies.manifest("sha256:" + "0" * 64)


def test_one_kept_file_is_read_as_it_was_taken(world):
    tree = world.lay("tree", FILES)
    entries = {entry.path: entry for entry in world.copies.take(tree).files}
    world.lay("tree", {"MLmodel": b"changed"})

    assert {path: world.copies.read(entry) for path, entry in entries.items()} == FILES
    with pytest.raises(Refused):
        world.copies.read(replace(entries["MLmodel"], sha256="0" * 64))


def test_formats_of_a_kept_tree_are_those_that_were_taken(world):
    tree = world.lay("tree", CODE)
    digest = world.copies.take(tree).digest
    world.lay("tree", {"MLmodel": b"flavors: {}"})

    assert world.copies.formats(digest) == FORMATS
    assert world.copies.formats(world.copies.take(world.lay("plain", FILES)).digest) == {}
    with pytest.raises(UnknownReference):
        world.copies.formats("sha256:" + "0" * 64)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"a: b: c", b"[" * 100_000])
def test_an_mlmodel_that_is_no_yaml_is_refused(tmp_path, content):
    world = Folders(tmp_path)
    digest = world.copies.take(world.lay("tree", {"MLmodel": content})).digest

    with pytest.raises(Refused, match="MLmodel"):
        world.copies.formats(digest)
