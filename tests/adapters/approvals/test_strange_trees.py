"""Trees that somebody made to break what reads them: one sentence, and nothing is left behind."""

import os
from contextlib import contextmanager

import pytest

from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.approvals.adapters.folder_trees import CHUNK_BYTES, MOST_FOLDERS, FolderTrees, copy_hashed, copy_verified
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.errors import Refused

SIX_GIB = 6 << 30


@contextmanager
def _deep(tree, levels):
    """A file below so many folders; they are taken apart again from the inside, which pytest itself cannot do."""
    folders = [os.path.join(tree, *["d"] * level) for level in range(levels + 1)]
    for folder in folders:
        os.mkdir(folder)
    file = os.path.join(folders[-1], "f")
    with open(file, "wb") as content:
        content.write(b"x")
    try:
        yield str(tree)
    finally:
        os.remove(file)
        for folder in reversed(folders[1:]):
            os.rmdir(folder)


@pytest.mark.parametrize("levels", [MOST_FOLDERS + 1, 1100])
def test_folders_too_deep_are_refused_in_one_sentence(tmp_path, levels):
    copies = FolderCopies(tmp_path / "copies")
    with _deep(tmp_path / "tree", levels) as tree:
        for read in (FolderTrees().manifest, FolderTrees().formats, copies.take):
            with pytest.raises(Refused, match=rf"lies more than {MOST_FOLDERS} folders deep\.$"):
                read(tree)
    assert not [file for file in (tmp_path / "copies").rglob("*") if file.is_file()]


def test_folders_that_are_deep_enough_for_anybody_are_read(tmp_path):
    with _deep(tmp_path / "tree", MOST_FOLDERS) as tree:
        (entry,) = FolderTrees().manifest(tree).files

    assert entry.path.count("/") == MOST_FOLDERS


def test_folders_that_appeared_after_the_approval_load_nothing(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "MLmodel").write_bytes(b"a")
    manifest = FolderTrees().manifest(str(tree))
    (tree / "MLmodel").unlink()
    tree.rmdir()
    with _deep(tree, 1100), pytest.raises(UnverifiedBytes, match="not in the permit"):
        copy_verified(tree, manifest, tmp_path / "into")

    assert not (tmp_path / "into").exists()


@pytest.fixture
def grown(tmp_path):
    """A tree whose listed file became 6 GiB of nothing, and the list from before."""
    tree = tmp_path / "tree"
    tree.mkdir()
    file = tree / "model.onnx"
    file.write_bytes(b"weights")
    manifest = FolderTrees().manifest(str(tree))
    os.truncate(file, SIX_GIB)
    return tree, file, manifest


def test_a_listed_file_that_became_6_gib_loads_nothing(grown, tmp_path):
    tree, _, manifest = grown

    with pytest.raises(UnverifiedBytes, match=r"The file 'model.onnx' differs from what was approved"):
        copy_verified(tree, manifest, tmp_path / "into")

    assert not (tmp_path / "into").exists()


def test_no_more_of_it_is_copied_than_a_piece(grown, tmp_path):
    _, file, _ = grown
    with file.open("rb") as source:
        size, _ = copy_hashed(source.fileno(), tmp_path / "copy", most=7)

    assert size == (tmp_path / "copy").stat().st_size == CHUNK_BYTES
