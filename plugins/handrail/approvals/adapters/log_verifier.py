"""Checks a log's files without any server. Needs `cryptography` and Python alone, wherever the files were copied to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from handrail.approvals.adapters.ed25519_notes import is_cosigned, is_signature, is_signed
from handrail.approvals.adapters.log_leaves import Leaves, content_at, number_of, values_of, what_happened
from handrail.approvals.domain import tiles
from handrail.approvals.domain.errors import TamperedLog
from handrail.approvals.domain.log_policy import LogPolicy
from handrail.approvals.domain.merkle import (
    HASH_BYTES,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    tree_root,
)
from handrail.approvals.domain.notes import SIGNATURE_BYTES, Checkpoint, Note, VerifierKey
from handrail.approvals.domain.proofs import LeafProof
from handrail.approvals.domain.tiles import WIDTH, tile_path
from handrail.errors import UnknownReference


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log whose files are those that were signed."""

    note: Note
    checkpoint: Checkpoint
    witnesses: tuple[str, ...] = ()


class LogVerifier:
    """Checks every leaf and every tile of a log against the checkpoint that its key signed."""

    def __init__(self, folder: Path, key: VerifierKey) -> None:
        """Check the files below `folder` by the log's public key, which came another way."""
        self._folder = folder
        self._key = key

    def verify(self, since: bytes | None = None, policy: LogPolicy | None = None) -> VerifiedLog:
        """Return the log's head, if everything below it is what was signed.

        Args:
            since: a checkpoint that was kept from an earlier time; the log has to begin with what it had then.
            policy: which witnesses have to have cosigned the head.

        Raises:
            TamperedLog: with the first leaf that was edited, removed, added or moved, or the file at fault; or too few
                witnesses cosigned.
        """
        return self._verified(since, policy)[0]

    def prove(self, request_id: str) -> LeafProof:
        """Return the proof that the permit of a promotion request is in the log, once the whole log is verified.

        Raises:
            TamperedLog: as `verify` does.
            UnknownReference: no permit of such a request is in the log.
        """
        verified, leaves = self._verified(None, None)
        mark = f'"request_id":"{request_id}"'.encode()
        found = [number for number, content in enumerate(leaves.contents) if mark in content]
        done = [number for number in found if values_of(leaves.contents[number]).get("kind") == "move-done"]
        if not done:
            remedy = "A permit is logged when the alias has moved; the files follow within moments."
            raise UnknownReference("logged permit", request_id, remedy)
        size = verified.checkpoint.size
        hashes = inclusion_proof(done[0], size, leaves.node)
        return LeafProof(leaves.contents[done[0]], done[0], hashes, verified.note)

    def check(self, proof: bytes, policy: LogPolicy | None = None) -> LeafProof:
        """Return a proof that shows its leaf to be in this log; no file of the log is read.

        Raises:
            TamperedLog: it shows nothing.
        """
        try:
            found = LeafProof.parse(proof)
        except ValueError as err:
            raise self._tampered(f"The proof cannot be read: {err}") from err
        _, checkpoint = self._signed(found.note.to_bytes(), "The proof's checkpoint")
        self._require_quorum(found.note, policy)
        if not is_included(leaf_hash(found.leaf), found.index, checkpoint.size, found.hashes, checkpoint.root):
            raise self._tampered(f"The proof does not lead from its leaf {found.index:,} to its checkpoint")
        return found

    def _verified(self, since: bytes | None, policy: LogPolicy | None) -> tuple[VerifiedLog, Leaves]:
        note, checkpoint = self._signed(self._read(tiles.CHECKPOINT), "Its checkpoint")
        kept = self._signed(since, "The kept checkpoint")[1] if since is not None else None
        if kept and kept.size > checkpoint.size:
            first = checkpoint.size
            raise self._tampered(
                f"Its end was removed: it has {first:,} leaves, and the kept checkpoint {kept.size:,}", first
            )
        leaves = Leaves(self._folder, checkpoint.size)
        if not leaves.are_complete or leaves.root != checkpoint.root:
            raise self._located(leaves, note, checkpoint)
        self._check_tiles(leaves)
        if kept:
            self._check_kept(leaves, kept, checkpoint)
        return VerifiedLog(note, checkpoint, self._require_quorum(note, policy)), leaves

    def _require_quorum(self, note: Note, policy: LogPolicy | None) -> tuple[str, ...]:
        if policy is None:
            return ()
        cosigned = tuple(witness.name for witness in policy.witnesses if is_cosigned(note, witness.key))
        if not policy.is_met(cosigned):
            names = ", ".join(cosigned) or "nobody"
            raise self._tampered(f"Its checkpoint is cosigned by {names}, and the policy wants {policy.quorum!r}")
        return cosigned

    def _signed(self, content: bytes, what: str) -> tuple[Note, Checkpoint]:
        try:
            note = Note.parse(content)
            checkpoint = Checkpoint.parse(note.text)
        except ValueError as err:
            raise self._tampered(f"{what} cannot be read: {err}") from err
        if checkpoint.origin != self._key.name or not is_signed(note, self._key):
            raise self._tampered(f"{what} is not signed by the key of {self._key.name!r}")
        return note, checkpoint

    def _check_tiles(self, leaves: Leaves) -> None:
        """Compare each tile with the hashes that the leaves have."""
        for level, hashes in enumerate(leaves.tile_levels):
            for index, width in tiles.tiles_of(len(hashes)):
                path = tile_path(tiles.hashes_folder(level), index, width)
                first = index * WIDTH
                if content_at(self._folder, path)[: width * HASH_BYTES] != b"".join(hashes[first : first + width]):
                    raise self._tampered(f"{path} is not what the leaves below it give, which are as they were signed")

    def _check_kept(self, leaves: Leaves, kept: Checkpoint, now: Checkpoint) -> None:
        proof = consistency_proof(kept.size, now.size, leaves.node)
        if not is_consistent(kept.size, now.size, proof, kept.root, now.root):
            raise self._tampered(
                f"Its first {kept.size:,} leaves are others than those of the kept checkpoint: it was written anew"
            )

    def _located(self, leaves: Leaves, note: Note, checkpoint: Checkpoint) -> TamperedLog:
        """Return what is wrong, beginning with the first leaf that is not as it was signed."""
        present = min(len(leaves.contents), checkpoint.size)
        bad = self._first_unsigned(leaves, present, note)
        if bad is None:
            bad = leaves.first_unlike_tiles()
        if bad is None:
            places = enumerate(map(number_of, leaves.contents[:present]))
            bad = next((place for place, number in places if number != place), None)
        if bad is None and len(leaves.contents) > checkpoint.size:
            bad = checkpoint.size
        if bad is not None:
            return self._tampered(what_happened(bad, leaves.contents, checkpoint.size), bad)
        if present < checkpoint.size:
            return self._tampered(
                f"Its leaves from {present:,} on are missing, and the checkpoint has {checkpoint.size:,}: "
                f"look at {leaves.fault or tile_path(tiles.ENTRIES, present // WIDTH)}",
                present,
            )
        return self._tampered("Its leaves are not those of its checkpoint, and its heads do not say from where on")

    def _first_unsigned(self, leaves: Leaves, present: int, note: Note) -> int | None:
        """Return the first leaf after which the tree is not one that was signed; None if the heads cannot say."""
        heads = self._heads(Checkpoint.parse(note.text).size)
        public = Ed25519PublicKey.from_public_bytes(self._key.public)

        def is_head(size: int) -> bool:
            root = tree_root(size, leaves.node)
            text = Checkpoint(self._key.name, size, root).text
            return is_signature(public, text.encode("utf-8"), heads[size - 1])

        low, high = 0, present
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if is_head(middle) else (low, middle - 1)
        # Heads that were lost would name the first leaf.
        is_sure = low or any(each.is_by(self._key) and each.content == heads[-1] for each in note.signatures)
        return low if is_sure and low < present else None

    def _heads(self, count: int) -> list[bytes]:
        found = b"".join(
            content_at(self._folder, tile_path(tiles.HEADS, index, width))[: width * SIGNATURE_BYTES].ljust(
                width * SIGNATURE_BYTES, b"\0"
            )
            for index, width in tiles.tiles_of(count)
        )
        return [found[at : at + SIGNATURE_BYTES] for at in range(0, len(found), SIGNATURE_BYTES)]

    def _read(self, path: str) -> bytes:
        try:
            return (self._folder / path).read_bytes()
        except OSError as err:
            raise self._tampered(f"Its {path} cannot be read: {err.strerror}") from err

    def _tampered(self, problem: str, leaf: int | None = None) -> TamperedLog:
        return TamperedLog(str(self._folder), problem, leaf)
