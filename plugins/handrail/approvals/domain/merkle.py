"""The Merkle tree of RFC 6962 and RFC 9162, section 2.1: roots, and proofs of inclusion and of consistency.

A tree is known by its size and by a function that returns the hash of a complete subtree. Nothing here knows where
hashes are kept, and nothing here signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Given `level` and `index`, returns the hash over the leaves `index * 2**level` to `(index + 1) * 2**level`."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two neighbouring subtrees (RFC 9162, section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The least that is needed of a tree to append to it: the root of each complete subtree, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what no tree of this size has.

        Raises:
            ValueError: the number of peaks does not fit the size, or a peak is no hash.
        """
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has no {len(self.peaks)} peaks")
        if any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"a peak is not {HASH_BYTES} bytes long")

    def then(self, leaf: bytes) -> CompactRange:
        """Return the range with one more leaf, given by its hash."""
        peaks, grown, left = list(self.peaks), leaf, self.size
        while left & 1:
            grown, left = node_hash(peaks.pop(), grown), left >> 1
        return CompactRange(self.size + 1, (*peaks, grown))

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return _folded(self.peaks)

    @property
    def proof_of_next(self) -> tuple[bytes, ...]:
        """The proof that the leaf to come is the last one of the tree with it."""
        return self.peaks[::-1]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaves that are given by their hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.then(leaf)
    return tree.root


def subtree_root(level: Sequence[bytes]) -> bytes:
    """Return the root over a whole power of two of neighbouring hashes."""
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def tree_root(size: int, node: Node) -> bytes:
    """Return the root of a tree of this size."""
    return _range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the proof that a leaf is in a tree (RFC 9162, section 2.1.3.1), from the leaf's sibling upwards.

    Raises:
        ValueError: a tree of this size has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_root(middle, high, node))
            high = middle
        else:
            proof.append(_range_root(low, middle, node))
            low = middle
    return tuple(proof[::-1])


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `new` (RFC 9162, section 2.1.4.1).

    Raises:
        ValueError: the older tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with one of {old}")
    if old in (0, new):
        return ()
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range_root(middle, high, node))
            high = middle
        else:
            proof.append(_range_root(low, middle, node))
            low, whole = middle, False
    if not whole:
        proof.append(_range_root(low, high, node))
    return tuple(proof[::-1])


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to from a leaf's hash (RFC 9162, section 2.1.3.2); None if it does not fit."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0 or len(step) != HASH_BYTES:
            return None
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether the proof shows that this leaf's hash is at the index of the tree with this size and root."""
    return root_from_inclusion(leaf, index, size, proof) == root


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Return whether the proof shows that the larger tree begins with the smaller (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= new or any(len(step) != HASH_BYTES for step in proof):
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return _roots_from_consistency(old, new, steps) == (old_root, new_root)


def _roots_from_consistency(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots of both trees that the steps lead to, None if there are too few or too many."""
    if not steps:
        return None
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return (first, second) if last == 0 else None


def _split(width: int) -> int:
    """Return the largest power of two that is smaller than the width."""
    return 1 << (width - 1).bit_length() - 1


def _range_root(low: int, high: int, node: Node) -> bytes:
    """Return the root over the leaves from `low` to `high`, of which `low` is where a subtree begins."""
    peaks = []
    while low < high:
        level = (high - low).bit_length() - 1
        peaks.append(node(level, low >> level))
        low += 1 << level
    return _folded(peaks)


def _folded(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    *others, root = peaks
    for peak in reversed(others):
        root = node_hash(peak, root)
    return root
