"""What the gate holds beside the registry, in its own process or in that of a keeper."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.attempt_ports import AttemptLog
from handrail.approvals.attestation_ports import Nonces
from handrail.approvals.custody_ports import PredictionBook, SnapshotBook
from handrail.approvals.evidence_ports import Evaluator, Looks, Snapshots
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Holds, Ledger, PermitShelf, Provenance, RequestIndex, Signer
from handrail.approvals.rule_ports import RuleRecords


@dataclass(frozen=True, slots=True)
class Custody:
    """The adapters behind one gate's records and keys; `server` is the stable name of its MLflow server."""

    server: str
    ledger: Ledger
    index: RequestIndex
    findings: FindingBook
    rules: RuleRecords
    provenance: Provenance
    holds: Holds
    signer: Signer
    shelf: PermitShelf
    snapshots: Snapshots
    snapshot_book: SnapshotBook
    predictions: PredictionBook
    looks: Looks
    evaluator: Evaluator
    nonces: Nonces
    attempts: AttemptLog
