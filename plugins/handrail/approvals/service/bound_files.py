"""Evidence that the gate reads itself: a file of a run on this server, about exactly this candidate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from handrail.approvals.domain.subject import Authorship, BoundFile, Candidate
from handrail.approvals.evidence_ports import EvidenceFiles
from handrail.approvals.ports import Provenance
from handrail.errors import Refused
from handrail.manifest import FileEntry, Manifest, canonical_json

TREE, INCUMBENT = "tree_digest", "incumbent"
"""The keys by which a file names the tree that it is about, and the one that it compares with."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """Where a requester says that a piece of evidence lies."""

    run_id: str
    path: str


@dataclass(frozen=True, slots=True)
class BoundEvidence:
    """What a file says, where it was read, and who made it."""

    content: Mapping[str, Any]
    file: BoundFile
    authorship: Authorship


@dataclass(frozen=True, slots=True)
class BoundFiles:
    """Reads evidence for one candidate; `incumbent_tree` is the digest of what the alias points at, None if nothing."""

    files: EvidenceFiles
    provenance: Provenance
    candidate: Candidate
    tree_digest: str
    incumbent_tree: str | None

    def read(self, name: str, at: RunFile) -> BoundEvidence:
        """Return what the file says, and where it was read, with everybody who wrote there.

        Raises:
            UnknownReference: there is no such run or file.
            Refused: it is not JSON, or it is about another tree or compares with another incumbent.
        """
        folder, text = self.files.read(at.run_id, at.path)
        content = _object(text, at)
        self._require(content, TREE, self.tree_digest, at)
        if INCUMBENT in content or name == "comparison":
            self._require(content, INCUMBENT, self.incumbent_tree, at)
        # Whoever began the run or wrote into the folder may have written the file.
        entry = FileEntry(PurePosixPath(at.path).name, len(text), sha256(text).hexdigest())
        there = replace(self.candidate, tree=folder, run_id=at.run_id, logged_model_id=None)
        made = self.provenance.makers(there, Manifest.of([entry]))
        unknown = (f"the evidence {at.path!r} of run {at.run_id}",) if made.unrecorded else ()
        file = BoundFile(at.run_id, at.path, entry.sha256, made.accounts)
        return BoundEvidence(content, file, Authorship(made.accounts, unknown))

    def _require(self, content: Mapping[str, Any], key: str, expected: str | None, at: RunFile) -> None:
        if expected is None or content.get(key) != expected:
            raise Refused(
                f"The evidence {at.path!r} of run {at.run_id!r}",
                (
                    f"Its {key!r} is {content.get(key)!r:.80}, expected {expected or 'an incumbent'}; "
                    "make the report anew for these files.",
                ),
            )


def _object(text: bytes, at: RunFile) -> dict[str, Any]:
    try:
        content = json.loads(text)
        canonical_json(content)
    except (ValueError, RecursionError) as err:
        raise Refused(f"The evidence {at.path!r} of run {at.run_id!r}", (f"It is not finite JSON: {err}.",)) from err
    if not isinstance(content, dict):
        raise Refused(f"The evidence {at.path!r} of run {at.run_id!r}", ("It does not hold one JSON object.",))
    return content
