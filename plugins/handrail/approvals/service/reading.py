"""Reads whole trees for the gate: as work of its own, so that a large tree keeps nobody else's call waiting."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.prompts import manifest_of_texts
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.evidence_ports import Readings, TreeCopies, Trees
from handrail.manifest import Manifest


@dataclass(frozen=True, slots=True)
class TreeReader:
    """Copies trees when they are asked about, and hashes them where they lie when an alias moves."""

    readings: Readings
    trees: Trees
    copies: TreeCopies

    def copy(self, candidate: Candidate, account: str) -> Manifest:
        """Copy the files of a version, or a prompt's texts, for an account that asks about it; return their list.

        Raises:
            StillReading: it is under way; the same call gets its outcome later.
            Refused: the tree cannot be approved.
            UnknownReference: its files are gone.
        """
        if candidate.texts is not None:
            return self.copies.take_texts(candidate.texts)
        work = f"copy {candidate.key} {candidate.tree} for {account}"
        return self.readings.outcome(work, candidate.label, lambda: self.copies.take(candidate.tree))

    def digest_now(self, holder: str, candidate: Candidate) -> str:
        """Return the digest of a tree on the registry's own path, or of a prompt, held for this holder.

        An outcome is only ever given to the holder for whom the work was begun: another one's may be from before the
        hold.

        Raises:
            StillReading: as `copy`.
            Refused: as `copy`.
            UnknownReference: as `copy`.
        """
        if candidate.texts is not None:
            return manifest_of_texts(candidate.texts).digest
        work = f"compare for {holder}"
        return self.readings.outcome(work, candidate.label, lambda: self.trees.manifest(candidate.tree).digest)

    def files_of(self, tree_digest: str | None) -> frozenset[str]:
        """Return the sha256 of each file of a tree that the gate keeps, none where there is no such tree."""
        if tree_digest is None or not self.copies.keeps(tree_digest):
            return frozenset()
        return files_of(self.copies.manifest(tree_digest))


def files_of(manifest: Manifest | None) -> frozenset[str]:
    """Return the sha256 of each file of a tree, none where there is no tree."""
    return frozenset(entry.sha256 for entry in manifest.files) if manifest else frozenset()
