"""The promises of `FileComparer`, kept by the adapter and by the fake: they give the same digests."""

import hashlib
import json

import pytest

from handrail.lineage import LockedFile
from handrail.lineage.domain.locked import MD5_OF_TEXT
from handrail.reproduction.adapters.file_differences import FileDifferences
from handrail.reproduction.domain.results import Grade
from tests.fakes.reproduction import PlainFiles

TREE = {"b.txt": b"two", "a/weights.json": b'{"slope": 2.0}'}


@pytest.fixture(params=[PlainFiles, FileDifferences])
def files(request):
    return request.param()


@pytest.fixture
def root(tmp_path):
    for path, content in TREE.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_bytes(content)
    return tmp_path


def test_digests_are_those_of_dvc(files, root):
    rows = [{"md5": hashlib.md5(TREE[path]).hexdigest(), "relpath": path} for path in sorted(TREE)]

    assert files.digest(root, LockedFile("tree/b.txt", "")) == hashlib.md5(b"two").hexdigest()
    assert files.digest(root, LockedFile("tree", "")) == hashlib.md5(json.dumps(rows).encode()).hexdigest() + ".dir"
    assert files.digest(root, LockedFile("none", "")) is None


def test_a_digest_is_taken_as_the_lock_took_it(files, root):
    (root / "windows.csv").write_bytes(b"a\r\n1\r\n")

    before = files.digest(root, LockedFile("windows.csv", "", MD5_OF_TEXT))

    assert before == hashlib.md5(b"a\n1\n").hexdigest()
    assert files.digest(root, LockedFile("windows.csv", "")) == hashlib.md5(b"a\r\n1\r\n").hexdigest()


def test_the_digest_of_a_tree_is_the_one_in_permits(files, root):
    from handrail.bootstrap.approvals import tree_digest

    assert files.tree_digest(root, "tree") == tree_digest(root / "tree")


def test_files_are_named_below_the_root_in_order(files, root):
    assert files.files(root, "tree") == ("tree/a/weights.json", "tree/b.txt")
    assert files.files(root, "tree/b.txt") == ("tree/b.txt",)
    assert files.files(root, "none") == ()


@pytest.mark.parametrize("path", ["tree", "tree/b.txt"])
def test_a_copy_replaces_what_is_there(files, root, path):
    for _ in range(2):
        files.copy(root / path, root / "copy" / path)

        assert files.digest(root / "copy", LockedFile(path, "")) == files.digest(root, LockedFile(path, ""))
        (root / "copy" / "tree" / "b.txt").write_text("changed")


@pytest.mark.parametrize(
    ("name", "recorded", "reproduced", "grade"),
    [
        ("x.txt", b"a", b"a", Grade.BYTES),
        ("x.txt", b"a", b"b", Grade.DIFFERS),
        ("x.json", b'{"n": 1.0}', b'{"n": 1.0}', Grade.BYTES),
        ("x.json", b'{"n": 1.0}', b'{"n": 1.0000000001}', Grade.WITHIN),
        ("x.json", b'{"n": 1.0}', b'{"n": 2.0}', Grade.DIFFERS),
    ],
)
def test_two_files_are_graded(files, tmp_path, name, recorded, reproduced, grade):
    pair = tmp_path / "recorded" / name, tmp_path / "reproduced" / name
    for file, content in zip(pair, (recorded, reproduced), strict=True):
        file.parent.mkdir()
        file.write_bytes(content)

    found, words = files.compare(*pair, 1e-9)

    assert found is grade
    assert bool(words) is (grade is not Grade.BYTES)
