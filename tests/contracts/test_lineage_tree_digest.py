"""Lineage and approvals mean the same by the digest of a tree: else no hop from a permit to its bytes is proven."""

from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.manifest import FileEntry, Manifest
from handrail.lineage.domain import Member, tree_digest

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@given(st.dictionaries(names, st.tuples(st.integers(0, 2**40), st.binary(min_size=32, max_size=32)), min_size=1))
def test_both_plugins_digest_a_tree_alike(files):
    members = [Member(f"models/{name}", "", sha256.hex(), size) for name, (size, sha256) in files.items()]
    entries = [FileEntry(name, size, sha256.hex()) for name, (size, sha256) in files.items()]

    assert tree_digest(members, "models") == Manifest.of(entries).digest
