"""`Trees`: the same promises by the fake and by folders."""

import pytest

from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import FakeTrees

FILES = {"MLmodel": b"a", "onnx/model.onnx": b"bb", ".git/config": b"", "sub/.hidden": b"c"}

CODE = FILES | {"MLmodel": b"flavors: {sklearn: {serialization_format: cloudpickle}}", "m.py": b""}
FORMATS = {"pickle": "The flavor 'sklearn' in MLmodel", "code": "The file 'm.py'"}


class Folders:
    """Writes trees to disk."""

    def __init__(self, root):
        self.root, self.trees = root, FolderTrees()

    def lay(self, name, files):
        tree = self.root / name
        tree.mkdir(exist_ok=True)
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        return str(tree)


class Memory:
    """Keeps trees in the fake."""

    def __init__(self, _root):
        self.trees = FakeTrees()

    def lay(self, name, files):
        self.trees.content[name] = dict(files)
        return name


@pytest.fixture(params=[Memory, Folders])
def world(request, tmp_path):
    return request.param(tmp_path)


def test_every_file_is_listed_hidden_ones_and_git_included(world):
    manifest = world.trees.manifest(world.lay("tree", FILES))

    assert {entry.path: entry.size for entry in manifest.files} == {path: len(text) for path, text in FILES.items()}


def test_equal_trees_have_equal_digests_wherever_they_lie(world):
    one, two = world.lay("one", FILES), world.lay("two", FILES)

    assert world.trees.manifest(one).digest == world.trees.manifest(two).digest


def test_one_byte_changes_the_digest(world):
    one, two = world.lay("one", FILES), world.lay("two", FILES | {"MLmodel": b"b"})

    assert world.trees.manifest(one).digest != world.trees.manifest(two).digest


def test_an_empty_tree_is_refused(world):
    with pytest.raises(Refused, match="no file"):
        world.trees.manifest(world.lay("empty", {}))


def test_a_missing_tree_is_named(world):
    with pytest.raises(UnknownReference, match="absent"):
        world.trees.manifest("/absent")


def test_links_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")

    with pytest.raises(Refused, match="'link' is a link"):
        FolderTrees().manifest(str(tmp_path))


def test_a_name_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "ok").write_bytes(b"x")
    with open(bytes(tmp_path) + b"/\xff", "wb"):
        pass

    with pytest.raises(Refused, match="Of its content"):
        FolderTrees().manifest(str(tmp_path))


def test_formats_that_run_code_are_found_with_their_place(tmp_path):
    world = Folders(tmp_path)
    tree = world.lay("tree", CODE)

    assert world.trees.formats(tree) == FORMATS
    assert world.trees.formats(world.lay("plain", FILES)) == {}


def test_an_upload_that_has_not_ended_is_refused(world):
    with pytest.raises(Refused, match="upload that has not ended"):
        world.trees.manifest(world.lay("tree", FILES | {"onnx/.artifact.uploading.0a1b": b"half"}))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"a: b: c", b"[" * 100_000])
def test_an_mlmodel_that_is_no_yaml_is_refused(tmp_path, content):
    (tmp_path / "MLmodel").write_bytes(content)

    with pytest.raises(Refused, match="MLmodel"):
        FolderTrees().formats(str(tmp_path))
