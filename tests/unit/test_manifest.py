import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.manifest import FileEntry, Manifest, tree_digest

A = FileEntry("MLmodel", 3, "a" * 64)
B = FileEntry("onnx/model.onnx", 4, "b" * 64)


def test_the_order_of_files_does_not_matter():
    assert Manifest.of([B, A]) == Manifest.of([A, B])


@pytest.mark.parametrize(
    "changed",
    [FileEntry("MLmodel2", 3, "a" * 64), FileEntry("MLmodel", 2, "a" * 64), FileEntry("MLmodel", 3, "c" * 64)],
)
def test_the_digest_covers_path_size_and_content(changed):
    assert Manifest.of([A, B]).digest != Manifest.of([changed, B]).digest


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "./a", "a//b", "a/", "a\0b", ".."])
def test_a_path_that_leaves_the_tree_or_has_two_spellings_is_refused(path):
    with pytest.raises(ValueError, match="does not lie inside the tree"):
        Manifest.of([FileEntry(path, 1, "a" * 64)])


def test_an_empty_tree_and_a_path_twice_are_refused():
    with pytest.raises(ValueError, match="no file"):
        Manifest.of([])
    with pytest.raises(ValueError, match="twice"):
        Manifest.of([A, A])


@pytest.mark.parametrize("rows", [None, 3, [1], [{}], [{"path": "a", "size": "x", "sha256": "b"}], []])
def test_what_is_no_list_of_files_is_refused(rows):
    with pytest.raises(ValueError, match=r"."):
        Manifest.from_json(rows)


def test_every_folder_on_the_way_to_a_file_is_known():
    assert Manifest.of([FileEntry("a/b/c", 1, "a" * 64), A]).folders == {"a", "a/b"}


_names = st.text("abcdefg.", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
_entries = st.builds(
    FileEntry,
    path=st.lists(_names, min_size=1, max_size=3).map("/".join),
    size=st.integers(0, 10),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
)


@given(st.lists(_entries, min_size=1, max_size=6, unique_by=lambda entry: entry.path))
def test_a_manifest_survives_being_written_and_read(entries):
    manifest = Manifest.of(entries)

    assert Manifest.from_json(manifest.to_json()) == manifest
    assert Manifest.from_json(list(reversed(manifest.to_json()))).digest == manifest.digest


def test_the_digest_of_a_tree_is_the_same_in_every_release():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    entries = [FileEntry("b/ü.txt", 0, empty), FileEntry("a", 0, empty)]

    assert tree_digest(entries) == Manifest.of(entries).digest
    assert tree_digest(entries) == "sha256:418fd8aafdaf001b69823936ed89f7f4d62bceb0662ccd88eb24f2fac92abe54"
