"""What a requester sends, the adapters that it is looked at with, and the evidence that comes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.approvals.domain.attesting import Target
from handrail.approvals.domain.subject import Attestation, Authorship, BoundFile, Candidate, Purpose
from handrail.approvals.evidence_ports import Evaluator, EvidenceFiles, LineageTraces, Snapshots, TreeCopies
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Ledger, Provenance, Registry, RequestIndex, RuleBook
from handrail.approvals.service.attestations import Attestations
from handrail.approvals.service.bound_files import BoundFiles, RunFile
from handrail.approvals.service.reading import TreeReader
from handrail.approvals.service.row_custody import RowCustody
from handrail.approvals.signature_ports import SignatureCheck
from handrail.manifest import digest_of


@dataclass(frozen=True, slots=True)
class Opening:
    """What a requester sends: the version as text, evidence by name, and names of what the gate reads itself.

    `files` are files of runs on this server, by the name of their evidence; `snapshot` is the digest of labelled rows
    on which the gate measures the version. One that `adopts` is about what the alias points at already; `renews` is the
    id of the void request that it is opened in place of. `purpose` and `about` are those of a request with a short way.
    `attestations` are signed by pipelines, by the name of their evidence.
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
    attestations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_short(self) -> bool:
        """Whether it adopts or has a short way, so that the rules about evidence are not asked."""
        return self.adopts or self.purpose is not None

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
    attestations: Attestations
    traces: LineageTraces
    custody: RowCustody
    evaluator: Evaluator


@dataclass(frozen=True, slots=True)
class Gathered:
    """All evidence by name, where the gate read what it read itself, what pipelines signed, and who answers for it."""

    content: Mapping[str, Any]
    bound: Mapping[str, BoundFile]
    attested: Mapping[str, Attestation]
    witnesses: Authorship


def read_evidence(ports: GatePorts, opening: Opening, candidate: Candidate, purpose: Target) -> Gathered:
    """Read the evidence of a candidate; `purpose` names its files, and those that the alias points at.

    Raises:
        UnknownReference: there is no such run or file.
        Refused: a file or a statement is about something else, or is not what it has to be.
    """
    reader = BoundFiles(ports.files, ports.provenance, candidate, purpose.tree_digest, purpose.incumbent)
    read = {name: reader.read(name, at) for name, at in opening.files.items()}
    signed = {name: ports.attestations.read(name, said, purpose) for name, said in opening.attestations.items()}
    content = dict(opening.evidence) | {name: one.content for name, one in read.items()}
    content |= {name: one.content for name, one in signed.items()}
    witnesses = Authorship(ports.snapshots.custodians(opening.snapshot) if opening.snapshot else ())
    for one in read.values():
        witnesses = witnesses.joined(one.authorship)
    for statement in signed.values():
        witnesses = witnesses.joined(Authorship(statement.accounts))
    attested = {name: one.attestation for name, one in signed.items()}
    return Gathered(content, {name: one.file for name, one in read.items()}, attested, witnesses)


def digests_of(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each piece of evidence, by name."""
    return {name: digest_of(content) for name, content in evidence.items()}
