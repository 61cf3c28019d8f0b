"""A log's files without a ledger: as the gate writes them, and as somebody without its key would write them anew."""

from __future__ import annotations

import shutil

from handrail.approvals.adapters.folder_log import FolderLog
from handrail.approvals.domain import tiles
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.merkle import CompactRange, leaf_hash
from handrail.approvals.domain.notes import Checkpoint, Note, Signature


def contents_of(count):
    return [
        Leaf("decided", "2026-01-01", {"text": f"n{number}"}, f"pr-{number:020d}", 0).content(number)
        for number in range(count)
    ]


def signed_leaves(signer, contents):
    """Return leaves with their proofs and signatures, and the note of their head."""
    tree, logged = CompactRange(), []
    signature = signer.sign(Checkpoint(signer.key.name, 0, tree.root).text)
    for number, content in enumerate(contents):
        found, proof = leaf_hash(content), tree.proof_of_next
        tree = tree.then(found)
        signature = signer.sign(Checkpoint(signer.key.name, tree.size, tree.root).text)
        logged.append(LoggedLeaf(number, None, None, content, found, proof, signature))
    return logged, note_of(signer, tree, signature)


def note_of(signer, tree, signature):
    key = signer.key
    return Note(Checkpoint(key.name, tree.size, tree.root).text, (Signature(key.name, key.key_id, signature),))


def write_log(folder, signer, contents):
    """Write a log, and return its checkpoint's note."""
    logged, note = signed_leaves(signer, contents)
    _put(folder, logged, note)
    return note


def forge_log(folder, signer, contents, note, heads):
    """Write other leaves consistently, tiles and all, beside a checkpoint and heads that the forger cannot sign."""
    shutil.rmtree(folder)
    logged, forged = signed_leaves(signer, contents)
    kept = [*heads, *[b"\0" * 64] * len(contents)]
    logged = [
        LoggedLeaf(leaf.number, None, None, leaf.content, leaf.hash, leaf.proof, kept[leaf.number]) for leaf in logged
    ]
    _put(folder, logged, forged)
    FolderLog(folder, durable=False).replace_checkpoint(note)


def replace_entries(folder, contents, size):
    """Write other leaves into the bundles alone, the last one taking what is left."""
    places = list(tiles.tiles_of(size))
    for index, width in places:
        end = (index + 1) * 256 if (index, width) != places[-1] else None
        path = folder / tiles.tile_path(tiles.ENTRIES, index, width)
        path.write_bytes(tiles.bundle(contents[index * 256 : end]))


def _put(folder, logged, note):
    log = FolderLog(folder, durable=False)
    for first in range(0, len(logged), 256):
        log.put(logged[first : first + 256])
    log.finish(0, note)
