"""What a bento carries is looked for as a pair, and lent as a verified copy."""

from pathlib import Path

import pytest

from handrail.delivery.domain import Carried
from handrail.delivery.service import find_carried, lend_verified
from handrail.errors import Refused
from tests.fakes.delivery import USE, PermitsInFolder


@pytest.fixture
def carried(tmp_path: Path) -> Carried:
    """Lay out a permitted tree with its permit, as a bento carries them."""
    carried = Carried.below(tmp_path)
    carried.tree.mkdir()
    (carried.tree / "MLmodel").write_text("flavors: {}")
    permits = PermitsInFolder(tmp_path / "permits")
    permits.find(permits.allow(carried.tree), USE).rename(carried.permit)
    carried.use.write_text("{}")
    return carried


def test_a_tree_with_its_permit_and_use_is_found(carried: Carried, tmp_path: Path) -> None:
    assert find_carried(tmp_path) == carried


def test_a_fresh_checkout_carries_nothing(tmp_path: Path) -> None:
    assert find_carried(tmp_path) is None


@pytest.mark.parametrize("gone", ["tree", "permit", "use"])
def test_a_part_without_the_others_is_refused_by_its_name(carried: Carried, tmp_path: Path, gone: str) -> None:
    missing: Path = getattr(carried, gone)
    missing.rename(tmp_path / "elsewhere")

    with pytest.raises(Refused, match=f"{missing.name} is missing. Build the bento again."):
        find_carried(tmp_path)


def test_what_is_lent_is_a_copy_that_ends_with_its_use(carried: Carried, tmp_path: Path) -> None:
    with lend_verified(PermitsInFolder(tmp_path), carried, USE) as verified:
        (carried.tree / "MLmodel").write_text("altered after it was verified")

        assert (verified.tree / "MLmodel").read_text() == "flavors: {}"
        assert verified.permitted.tree_digest == carried.permit.read_text()

    assert not verified.tree.parent.exists()


def test_bytes_that_the_permit_does_not_cover_are_not_lent(carried: Carried, tmp_path: Path) -> None:
    (carried.tree / "MLmodel").write_text("altered")

    with pytest.raises(Refused, match="MLmodel"), lend_verified(PermitsInFolder(tmp_path), carried, USE):
        pytest.fail("It was lent.")
