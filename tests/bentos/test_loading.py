"""No byte is loaded that a permit does not cover."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.delivery import open_permits
from handrail.delivery import Carried, find_carried, lend_verified
from handrail.errors import Misconfigured, Refused
from handrail.settings import Settings
from tests.fakes.permitted_tree import permit_tree, write_tree

FILES = ("MLmodel", "onnx/model.onnx", "scoring.json")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=tmp_path, home=tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    root = tmp_path / "bento"
    tree = write_tree(root / "model")
    shutil.copy(permit_tree(settings, tree), root / "permit.json")
    return root


def carried(root: Path) -> Carried:
    found = find_carried(root)
    assert found is not None
    return found


def test_a_fresh_checkout_carries_nothing(tmp_path: Path) -> None:
    assert find_carried(tmp_path) is None


@pytest.mark.parametrize("lost", ["model", "permit.json"])
def test_a_bento_without_one_half_is_refused(root: Path, lost: str) -> None:
    target = root / lost
    target.unlink() if target.is_file() else shutil.rmtree(target)

    with pytest.raises(Refused, match=lost):
        find_carried(root)


def test_the_copy_is_private_whole_and_gone_afterwards(root: Path, settings: Settings) -> None:
    with lend_verified(open_permits(settings), carried(root)) as verified:
        copy = verified.tree
        assert {name: (copy / name).read_bytes() for name in FILES} == {
            name: (root / "model" / name).read_bytes() for name in FILES
        }
        assert copy.stat().st_mode & 0o077 == 0
        assert verified.permitted.version.version == 1

    assert not copy.exists()


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_in_any_file_is_found_and_the_file_named(root: Path, settings: Settings, name: str) -> None:
    file = root / "model" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(UnverifiedBytes, match=name), lend_verified(open_permits(settings), carried(root)):
        pass


def test_an_added_file_is_found(root: Path, settings: Settings) -> None:
    (root / "model" / ".hidden").write_text("x")

    with pytest.raises(UnverifiedBytes, match="hidden"), lend_verified(open_permits(settings), carried(root)):
        pass


def test_a_permit_of_another_gate_is_refused(root: Path, settings: Settings, tmp_path: Path) -> None:
    other = Settings(project=tmp_path, home=tmp_path / "elsewhere")
    shutil.copy(permit_tree(other, root / "model"), root / "permit.json")

    with pytest.raises(UnverifiedBytes, match="not signed"), lend_verified(open_permits(settings), carried(root)):
        pass


def test_without_the_gates_key_nothing_is_trusted(root: Path, settings: Settings) -> None:
    (settings.permits / "gate.pub").unlink()

    with pytest.raises(Misconfigured, match=r"gate\.pub"), lend_verified(open_permits(settings), carried(root)):
        pass
