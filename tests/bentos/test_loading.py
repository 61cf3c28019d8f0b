"""No byte is loaded that a permit does not cover."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.bootstrap.delivery import lend_carried
from handrail.delivery import BuiltFor, Carried, find_carried
from handrail.errors import Misconfigured, Refused
from handrail.settings import Settings
from tests.fakes.delivery import USE
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
    (root / "use.json").write_bytes(BuiltFor(USE, open_permit_verifier(settings).key_id).to_bytes())
    return root


def carried(root: Path) -> Carried:
    found = find_carried(root)
    assert found is not None
    return found


def test_a_fresh_checkout_carries_nothing(tmp_path: Path) -> None:
    assert find_carried(tmp_path) is None


@pytest.mark.parametrize("lost", ["model", "permit.json", "use.json"])
def test_a_bento_without_one_part_is_refused(root: Path, lost: str) -> None:
    target = root / lost
    target.unlink() if target.is_file() else shutil.rmtree(target)

    with pytest.raises(Refused, match=lost):
        find_carried(root)


def test_the_copy_is_private_whole_and_gone_afterwards(root: Path, settings: Settings) -> None:
    with lend_carried(settings, carried(root)) as verified:
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

    with pytest.raises(UnverifiedBytes, match=name), lend_carried(settings, carried(root)):
        pass


def test_an_added_file_is_found(root: Path, settings: Settings) -> None:
    (root / "model" / ".hidden").write_text("x")

    with pytest.raises(UnverifiedBytes, match="hidden"), lend_carried(settings, carried(root)):
        pass


def test_a_permit_of_another_gate_is_refused(root: Path, settings: Settings, tmp_path: Path) -> None:
    other = Settings(project=tmp_path, home=tmp_path / "elsewhere")
    shutil.copy(permit_tree(other, root / "model"), root / "permit.json")

    with pytest.raises(UnverifiedBytes, match="not signed"), lend_carried(settings, carried(root)):
        pass


def test_without_the_gates_key_nothing_is_trusted(root: Path, settings: Settings) -> None:
    (settings.permits / "gate.pub").unlink()

    with pytest.raises(Misconfigured, match=r"gate\.pub"), lend_carried(settings, carried(root)):
        pass


WRONG: dict[str, dict[str, Any]] = {
    "model": {"model": "toy"},
    "alias": {"alias": "shadow"},
    "server": {"server": "staging-1"},
    "environment": {"environment": "production"},
    "expired": {"expires": "2026-01-02T00:00:00+00:00"},
    "nobody": {"approvers": []},
    "tree": {},
}
"""What is wrong with a permit that the gate signed; the last one is beside another tree."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_bento_with_a_permit_for_a_wrong_use_is_not_served(root: Path, settings: Settings, wrong: str) -> None:
    permit = permit_tree(settings, root / "model", **WRONG[wrong])
    shutil.copy(permit, root / "permit.json")
    if wrong == "tree":
        shutil.rmtree(root / "model")
        write_tree(root / "model", kind="regression")

    with pytest.raises(UnverifiedBytes) as caught, lend_carried(settings, carried(root)):
        pass

    changes = {name: text for name, text in WRONG[wrong].items() if name == wrong}
    assert f"{replace(USE, **changes)}, and " in str(caught.value)
    assert f"wanted is {USE}." in str(caught.value)


def test_a_bento_is_served_in_the_environment_that_it_was_built_for_and_in_no_other(
    root: Path, settings: Settings
) -> None:
    elsewhere = settings.model_copy(update={"environment": "production"})

    with pytest.raises(UnverifiedBytes, match="in 'local'.*in 'production'"), lend_carried(elsewhere, carried(root)):
        pass


def test_a_replaced_gate_key_is_refused_even_with_a_permit_that_it_signed(root: Path, settings: Settings) -> None:
    for file in (settings.permits / "gate.pub", settings.credentials / "gate-signing-key.pem"):
        file.unlink()
    shutil.copy(permit_tree(settings, root / "model"), root / "permit.json")

    with pytest.raises(Misconfigured, match="is pinned"), lend_carried(settings, carried(root)):
        pass


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "handrail.use/1", "use": {}, "key_id": ""}'])
def test_a_damaged_use_is_refused_by_its_file(root: Path, settings: Settings, content: str) -> None:
    (root / "use.json").write_text(content)

    with pytest.raises(Refused, match=r"use\.json cannot be used"), lend_carried(settings, carried(root)):
        pass
