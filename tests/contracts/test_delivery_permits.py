"""Permits keep their promise: a signature at each read, and every byte at each load."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handrail.bootstrap.delivery import open_permits
from handrail.delivery import Permits
from handrail.errors import Refused, UnknownReference
from handrail.refs import Use
from handrail.settings import Settings
from tests.fakes.delivery import USE, PermitsInFolder
from tests.fakes.permitted_tree import permit_tree

Allow = Callable[[Path], tuple[Permits, Path]]


@pytest.fixture(params=["fake", "gate"])
def allow(request: pytest.FixtureRequest, tmp_path: Path) -> Allow:
    """Return what permits a tree, and hands out the permits and the file."""
    if request.param == "fake":
        fake = PermitsInFolder(tmp_path / "permits")
        return lambda tree: (fake, fake.find(fake.allow(tree), USE))
    settings = Settings(project=tmp_path, home=tmp_path / "home")
    return lambda tree: (open_permits(settings), permit_tree(settings, tree))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "MLmodel").write_text("flavors: {}")
    return tree


def test_a_permit_is_found_by_the_tree_that_it_allows(allow: Allow, tree: Path) -> None:
    permits, file = allow(tree)

    permitted = permits.read(file)

    assert permits.find(permitted.tree_digest, USE) == file
    assert permitted.permit_digest.startswith("sha256:")
    assert permitted.version.name == "flights"


def test_a_tree_without_a_permit_has_none(allow: Allow, tree: Path) -> None:
    permits, _ = allow(tree)

    with pytest.raises(UnknownReference):
        permits.find("sha256:" + "0" * 64, USE)


def test_exactly_the_permitted_files_are_copied(allow: Allow, tree: Path, tmp_path: Path) -> None:
    permits, file = allow(tree)

    permitted = permits.verify(tree, file, tmp_path / "copy", USE)

    assert permitted == permits.read(file)
    assert (tmp_path / "copy" / "MLmodel").read_text() == "flavors: {}"


def test_a_permit_alone_says_whether_its_use_is_allowed(allow: Allow, tree: Path) -> None:
    permits, file = allow(tree)

    assert permits.require(file, USE) == permits.read(file)
    with pytest.raises(Refused, match="shadow"):
        permits.require(file, replace(USE, alias="shadow"))


def test_altered_bytes_are_refused_with_their_file_and_leave_nothing(allow: Allow, tree: Path, tmp_path: Path) -> None:
    permits, file = allow(tree)
    (tree / "MLmodel").write_text("altered")

    with pytest.raises(Refused, match="MLmodel"):
        permits.verify(tree, file, tmp_path / "copy", USE)

    assert not list((tmp_path / "copy").rglob("*"))


def test_a_damaged_permit_is_refused(allow: Allow, tree: Path) -> None:
    permits, file = allow(tree)
    file.write_text("damaged")

    with pytest.raises(Refused):
        permits.read(file)


@pytest.mark.parametrize("name", ["server", "model", "alias", "environment"])
def test_another_use_has_no_permit_and_is_refused_with_both(
    allow: Allow, tree: Path, tmp_path: Path, name: str
) -> None:
    permits, file = allow(tree)
    other: Use = replace(USE, **{name: "other"})

    if name != "environment":  # a file is found by the rest; what it says decides
        with pytest.raises(UnknownReference, match="other"):
            permits.find(permits.read(file).tree_digest, other)
    with pytest.raises(Refused) as caught:
        permits.verify(tree, file, tmp_path / "copy", other)

    assert str(USE) in str(caught.value)
    assert str(other) in str(caught.value)
    assert not list((tmp_path / "copy").rglob("*"))
