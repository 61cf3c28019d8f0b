"""The tree against RFC 6962's own definitions, written down again as they stand there, and against known roots."""

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handrail.approvals.domain import merkle
from handrail.approvals.domain.merkle import CompactRange
from tests.fakes.effort import tried

# The leaves and roots of the certificate-transparency project's test of its own tree.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
MOST = 300


def naive_root(data):
    """MTH of RFC 6962, section 2.1."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = _k(len(data))
    return sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m, data):
    """PATH of RFC 6962, section 2.1.1."""
    if len(data) == 1:
        return []
    k = _k(len(data))
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_proof(m, data, whole=True):
    """PROOF and SUBPROOF of RFC 6962, section 2.1.2."""
    if m == len(data):
        return [] if whole else [naive_root(data)]
    k = _k(len(data))
    if m <= k:
        return [*naive_proof(m, data[:k], whole), naive_root(data[k:])]
    return [*naive_proof(m - k, data[k:], False), naive_root(data[:k])]


def _k(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def _data(size):
    return [b"leaf %d" % number for number in range(size)]


def _node(data):
    def node(level, index):
        part = data[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only complete subtrees may be asked for"
        return naive_root(part)

    return node


@st.composite
def places(draw):
    """A tree's size, and a place in it."""
    size = draw(st.integers(1, MOST))
    return size, draw(st.integers(0, size - 1))


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_known_roots(size):
    assert merkle.root_of(map(merkle.leaf_hash, LEAVES[:size])).hex() == ROOTS[size]
    assert naive_root(LEAVES[:size]).hex() == ROOTS[size]
    assert merkle.tree_root(size, _node(LEAVES)).hex() == ROOTS[size]


@pytest.mark.parametrize("power", range(6))
def test_the_root_over_a_power_of_two(power):
    data = _data(1 << power)

    assert merkle.subtree_root([merkle.leaf_hash(each) for each in data]) == naive_root(data)


@tried(60)
@given(st.integers(0, MOST))
def test_appending_gives_the_root_and_the_proof_of_what_comes_next(size):
    data, tree = _data(size + 1), CompactRange()
    for each in data[:-1]:
        tree = tree.then(merkle.leaf_hash(each))

    assert tree.root == naive_root(data[:-1])
    assert list(tree.proof_of_next) == naive_path(size, data)


@tried(100)
@given(places())
def test_inclusion_is_proven_as_the_rfc_does_and_holds_for_nothing_else(place):
    size, index = place
    data = _data(size)
    leaf, root = merkle.leaf_hash(data[index]), naive_root(data)

    proof = merkle.inclusion_proof(index, size, _node(data))

    assert list(proof) == naive_path(index, data)
    assert merkle.is_included(leaf, index, size, proof, root)
    others = [other for other in (index - 1, index + 1, size - 1, 0) if other != index]
    assert not any(merkle.is_included(leaf, other, size, proof, root) for other in others)
    assert not merkle.is_included(leaf, index, size, (*proof, b"\0" * 32), root)
    assert not merkle.is_included(merkle.leaf_hash(b"other"), index, size, proof, root)


@tried(100)
@given(st.integers(0, MOST), st.integers(0, MOST))
def test_consistency_is_proven_as_the_rfc_does_and_holds_for_nothing_else(one, other):
    old, new = sorted((one, other))
    data = _data(new)
    old_root, new_root = naive_root(data[:old]), naive_root(data)

    proof = merkle.consistency_proof(old, new, _node(data))

    assert list(proof) == (naive_proof(old, data) if old else [])
    assert merkle.is_consistent(old, new, proof, old_root, new_root)
    assert not merkle.is_consistent(old, new, (*proof, b"\0" * 32), old_root, new_root)
    if old:
        assert not merkle.is_consistent(old, new, proof, merkle.leaf_hash(b"x"), new_root)
        assert not merkle.is_consistent(old, new, proof, old_root, merkle.leaf_hash(b"x"))


@tried(100)
@given(places(), st.data())
def test_a_proof_with_one_bit_flipped_proves_nothing(place, data):
    size, index = place
    leaves = _data(size)
    inclusion = merkle.inclusion_proof(index, size, _node(leaves))
    consistency = merkle.consistency_proof(index + 1, size, _node(leaves))
    root, old_root = naive_root(leaves), naive_root(leaves[: index + 1])
    assume(inclusion and consistency)

    for proof, holds in (
        (inclusion, lambda p: merkle.is_included(merkle.leaf_hash(leaves[index]), index, size, p, root)),
        (consistency, lambda p: merkle.is_consistent(index + 1, size, p, old_root, root)),
    ):
        bit = data.draw(st.integers(0, 256 * len(proof) - 1))
        flipped = [bytearray(step) for step in proof]
        flipped[bit // 256][bit % 256 // 8] ^= 1 << bit % 8
        assert holds(proof)
        assert not holds([bytes(step) for step in flipped])
        assert not holds(proof[:-1])
        assert not holds([step[:-1] for step in proof])


@pytest.mark.parametrize(
    "call",
    [
        lambda: merkle.inclusion_proof(3, 3, _node([])),
        lambda: merkle.inclusion_proof(-1, 3, _node([])),
        lambda: merkle.consistency_proof(4, 3, _node([])),
        lambda: CompactRange(3, (b"\0" * 32,)),
        lambda: CompactRange(1, (b"\0" * 31,)),
    ],
)
def test_what_no_tree_has_is_refused(call):
    with pytest.raises(ValueError, match="leaves|bytes"):
        call()


def test_nothing_is_included_where_there_is_no_such_leaf():
    assert merkle.root_from_inclusion(b"\0" * 32, 3, 3, ()) is None
    assert not merkle.is_consistent(4, 3, (), b"", b"")
    assert not merkle.is_consistent(2, 3, (), naive_root(_data(2)), naive_root(_data(3)))
    assert not merkle.is_consistent(0, 0, (), merkle.EMPTY_ROOT, b"\0" * 32)
    assert not merkle.is_consistent(0, 1, (), b"\0" * 32, naive_root(_data(1)))
