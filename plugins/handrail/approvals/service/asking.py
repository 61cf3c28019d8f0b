"""What a requester sends, the adapters that it is looked at with, and the evidence that comes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.approvals.domain.subject import Authorship, BoundFile, Candidate, Purpose
from handrail.approvals.evidence_ports import EvidenceFiles, Snapshots, TreeCopies
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Ledger, Provenance, Registry, RequestIndex, RuleBook
from handrail.approvals.service.bound_files import BoundFiles, RunFile
from handrail.approvals.service.reading import TreeReader
from handrail.approvals.signature_ports import SignatureCheck
from handrail.manifest import Manifest, digest_of


@dataclass(frozen=True, slots=True)
class Opening:
    """What a requester sends: the version as text, evidence by name, and names of what the gate reads itself.

    `files` are files of runs on this server, by the name of their evidence; `snapshot` is the digest of labelled rows
    on which the gate measures the version. One that `adopts` is about what the alias points at already; `renews` is the
    id of the void request that it is opened in place of. `purpose` and `about` are those of a request with a short way.
    """

    model: str
    version: str
    alias: str
    reason: str
    evidence: Mapping[str, Any]
    files: Mapping[str, RunFile] = field(default_factory=dict)
    snapshot: str | None = None
    adopts: bool = False
    renews: str | None = None
    purpose: Purpose | None = None
    about: str | None = None

    @property
    def marks(self) -> dict[str, Any]:
        """What a subject says of its request beside what the gate looks up itself."""
        return {name: getattr(self, name) for name in ("snapshot", "adopts", "purpose", "about")}


@dataclass(frozen=True, slots=True)
class GatePorts:
    """The adapters behind the gate."""

    ledger: Ledger
    index: RequestIndex
    provenance: Provenance
    registry: Registry
    reader: TreeReader
    rules: RuleBook
    snapshots: Snapshots
    files: EvidenceFiles
    copies: TreeCopies
    findings: FindingBook
    signatures: SignatureCheck


def read_evidence(
    ports: GatePorts, opening: Opening, candidate: Candidate, trees: tuple[Manifest, Manifest | None]
) -> tuple[dict[str, Any], dict[str, BoundFile], Authorship]:
    """Return all evidence by name, where the gate read what it read itself, and who answers for it.

    `trees` are the files of the candidate and of what the alias points at.
    """
    manifest, incumbent = trees
    incumbent_tree = incumbent.digest if incumbent else None
    reader = BoundFiles(ports.files, ports.provenance, candidate, manifest.digest, incumbent_tree)
    read = {name: reader.read(name, at) for name, at in opening.files.items()}
    content = dict(opening.evidence) | {name: one.content for name, one in read.items()}
    witnesses = Authorship(ports.snapshots.custodians(opening.snapshot) if opening.snapshot else ())
    for one in read.values():
        witnesses = witnesses.joined(one.authorship)
    return content, {name: one.file for name, one in read.items()}, witnesses


def digests_of(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each piece of evidence, by name."""
    return {name: digest_of(content) for name, content in evidence.items()}
