"""Paths and bundles as C2SP tlog-tiles has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.tiles import bundle, hashes_folder, leaves_of, levels_of, tile_path, tiles_of
from tests.fakes.effort import tried


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "tile/0/000"),
        (0, 7, "tile/0/000.p/7"),
        (999, 256, "tile/0/999"),
        (1000, 256, "tile/0/x001/000"),
        # The example of the specification.
        (1234067, 256, "tile/0/x001/x234/067"),
        (1234067, 8, "tile/0/x001/x234/067.p/8"),
    ],
)
def test_a_tile_has_its_path(index, width, path):
    assert tile_path(hashes_folder(0), index, width) == path


def test_the_tiles_of_seventy_thousand_leaves_are_those_of_the_specification():
    found = {level: list(tiles_of(count)) for level, count in levels_of(70_000)}

    assert {level: (sum(w == 256 for _, w in tiles), tiles[-1]) for level, tiles in found.items()} == {
        0: (273, (273, 112)),
        1: (1, (1, 17)),
        2: (0, (0, 1)),
    }


def test_a_full_tile_has_one_hash_above():
    assert list(levels_of(256)) == [(0, 256), (1, 1)]
    assert list(levels_of(0)) == []


@tried(100)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_leaves_back(leaves):
    assert leaves_of(bundle(leaves)) == (leaves, True)


def test_a_bundle_that_was_cut_gives_what_is_whole():
    whole = bundle([b"one", b"two"])

    assert leaves_of(whole[:-1]) == ([b"one"], False)
    assert leaves_of(whole + b"\0") == ([b"one", b"two"], False)


def test_the_longest_leaf_fits_and_a_longer_one_is_refused():
    assert len(bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(ValueError, match="65,536"):
        bundle([b"x" * 65_536])
