"""Who made what, what is held, what is signed and what was handed in, where a keeper holds it."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from handrail.approvals.adapters.folder_predictions import LARGEST_BYTES as LARGEST_PREDICTIONS
from handrail.approvals.adapters.folder_snapshots import LARGEST_BYTES
from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.keeper_values import (
    authorship_from,
    commitment_from,
    confirmed_from,
    evaluation_from,
    handed_in_from,
    moment_values,
    question_values,
)
from handrail.approvals.adapters.parquet_folder import CHUNK_BYTES
from handrail.approvals.adapters.sql_findings import body_of, event_from, kind_of
from handrail.approvals.attestation_ports import Nonces
from handrail.approvals.custody_ports import PredictionBook, SnapshotBook
from handrail.approvals.domain.described_rows import RowsDescribed, described_from
from handrail.approvals.domain.evaluation import Evaluation, EvaluationPlan, Question
from handrail.approvals.domain.findings import FindingEvent
from handrail.approvals.domain.permit import PAYLOAD_TYPE, Envelope, Permit
from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.approvals.domain.subject import Authorship, Candidate
from handrail.approvals.evidence_ports import Evaluator, Looks, Snapshots
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Holds, PermitShelf, Provenance, Signer
from handrail.manifest import Manifest


class SocketFindings(FindingBook):
    """Keeps the promise of `FindingBook` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def models(self) -> Sequence[str]:
        """Return the models about which there ever was a finding."""
        return list(self._keeper.ask("findings.models"))

    def events(self, model: str) -> Sequence[FindingEvent]:
        """Return what happened to the findings of a model, oldest first."""
        return [event_from(*row) for row in self._keeper.ask_for_all("findings.events", model=model)]

    def append(self, model: str, known: int, event: FindingEvent) -> None:
        """Store one more event after the `known` ones that there are."""
        self._keeper.ask("findings.append", model=model, known=known, event=[kind_of(event), body_of(event)])


class SocketProvenance(Provenance):
    """Keeps the promise of `Provenance` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def record(self, kind: str, key: str, account: str) -> None:
        """Remember durably that the account made this."""
        self._keeper.ask("provenance.record", kind=kind, key=key, account=account)

    def record_upload(self, sha256: str, account: str) -> None:
        """Remember durably who was the first to upload a file with these bytes."""
        self._keeper.ask("provenance.record_upload", sha256=sha256, account=account)

    def record_parent(self, run_id: str, parent: str) -> None:
        """Remember durably that a run was once a child of another."""
        self._keeper.ask("provenance.record_parent", run_id=run_id, parent=parent)

    def record_all(self, records: Iterable[tuple[str, ...]]) -> None:
        """Remember all of it, durably."""
        self._keeper.ask("provenance.record_all", records=[list(record) for record in records])

    def makers(self, candidate: Candidate, manifest: Manifest, approved: Collection[str] = ()) -> Authorship:
        """Return who made the candidate, and the parts whose maker is not recorded."""
        said: dict[str, Any] = {"candidate": asdict(candidate), "manifest": manifest.to_json()}
        said["approved"] = sorted(approved)
        return authorship_from(self._keeper.ask("provenance.makers", **said))


class SocketHolds(Holds):
    """Keeps the promise of `Holds` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def hold(self, candidate: Candidate, holder: str) -> None:
        """Hold the version and all it consists of for `holder`, durably."""
        self._keeper.ask("holds.hold", candidate=asdict(candidate), holder=holder)

    def release(self, holder: str, at: datetime, reason: str) -> None:
        """End what is held for `holder`, durably and for good."""
        self._keeper.ask("holds.release", holder=holder, at=at.isoformat(), reason=reason)

    def holders(self) -> frozenset[str]:
        """Return everybody for whom something is held."""
        return frozenset(self._keeper.ask_for_all("holds.holders"))

    def holder(self, kind: str, key: str) -> str | None:
        """Return the label of the candidate that holds this thing."""
        label: str | None = self._keeper.ask("holds.holder", kind=kind, key=key)
        return label

    def holder_of_path(self, path: str) -> str | None:
        """Return the label of a candidate whose tree is at, above or below an absolute path."""
        label: str | None = self._keeper.ask("holds.holder_of_path", path=path)
        return label


class SocketSigner(Signer):
    """Keeps the promise of `Signer` by asking a keeper, who signs what its ledger proves."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Return the payload in an envelope with the keeper's signature."""
        content = base64.b64encode(payload).decode("ascii")
        signed = self._keeper.ask("signer.sign", payload=content, payload_type=payload_type)
        return Envelope.from_json(signed, payload_type)


class SocketShelf(PermitShelf):
    """Keeps the promise of `PermitShelf` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def put(self, permit: Permit, envelope: str) -> None:  # noqa: ARG002 - the envelope holds it
        """Have the permit put on its shelf."""
        self._keeper.ask("shelf.put", envelope=envelope)

    def put_revoked(self, envelope: str) -> None:
        """Have the list put on its shelf."""
        self._keeper.ask("shelf.put_revoked", envelope=envelope)


class SocketSnapshots(Snapshots):
    """Keeps the promise of `Snapshots` by asking a keeper, who is lent what was handed in as an open file."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def keep(self, content: BinaryIO, model: str, account: str, at: datetime) -> str:
        """Have the bytes kept; `path` of what is returned is a place that only the keeper reads."""
        with lent(content, LARGEST_BYTES) as descriptor:
            said = {"model": model, "account": account, "at": at.isoformat()}
            digest = self._keeper.ask("snapshots.keep", (descriptor,), **said)
        return str(digest)

    def path(self, digest: str) -> str:
        """Return where the bytes are for the keeper."""
        return str(self._keeper.ask("snapshots.path", digest=digest))

    def custodians(self, digest: str) -> tuple[str, ...]:
        """Return every account that handed the snapshot in."""
        return tuple(self._keeper.ask("snapshots.custodians", digest=digest))


class SocketSnapshotBook(SnapshotBook):
    """Keeps the promise of `SnapshotBook` by asking a keeper, who judges who may confirm."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def handed_in(self, model: str | None = None) -> Sequence[HandedIn]:
        """Return what was handed in for a model, oldest first."""
        return [handed_in_from(row) for row in self._keeper.ask_for_all("snapshots.handed_in", model=model)]

    def confirm(self, confirmation: RowsConfirmed) -> None:
        """Have the confirmation stored."""
        self._keeper.ask("snapshots.confirm", confirmation=moment_values(confirmation))

    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        """Return who confirmed a snapshot, oldest first."""
        return [confirmed_from(row) for row in self._keeper.ask_for_all("snapshots.confirmations", digest=digest)]


class SocketPredictions(PredictionBook):
    """Keeps the promise of `PredictionBook` by asking a keeper, by whose clock predictions came."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def commit(self, content: BinaryIO, said: Foretelling) -> Commitment:
        """Have the bytes kept, and the moment."""
        with lent(content, LARGEST_PREDICTIONS) as descriptor:
            return commitment_from(self._keeper.ask("predictions.commit", (descriptor,), said=asdict(said)))

    def committed(self, tree_digest: str) -> Sequence[Commitment]:
        """Return what was committed for a tree, oldest first."""
        return [
            commitment_from(row) for row in self._keeper.ask_for_all("predictions.committed", tree_digest=tree_digest)
        ]

    def path(self, digest: str) -> str:
        """Return where the bytes are for the keeper."""
        return str(self._keeper.ask("predictions.path", digest=digest))


@contextmanager
def lent(content: BinaryIO, largest_bytes: int) -> Iterator[int]:
    """Give the descriptor of a file without a name that holds the content, or more of it than is taken."""
    with tempfile.TemporaryFile() as file:
        size = 0
        # One chunk too many is enough for the keeper to refuse it.
        while size <= largest_bytes and (chunk := content.read(CHUNK_BYTES)):
            size += file.write(chunk)
        file.flush()
        file.seek(0)
        yield file.fileno()


class SocketLooks(Looks):
    """Keeps the promise of `Looks` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def look(self, model: str, snapshot: str, tree_digest: str, budget: int) -> int | None:
        """Count the look unless it was counted or the budget is used up."""
        said: dict[str, Any] = {"model": model, "snapshot": snapshot, "tree_digest": tree_digest, "budget": budget}
        used: int | None = self._keeper.ask("looks.look", **said)
        return used


class SocketNonces(Nonces):
    """Keeps the promise of `Nonces` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def issue(self, purpose: str, account: str, now: datetime, expires: datetime) -> str:
        """Return a new nonce for a purpose."""
        said: dict[str, Any] = {"purpose": purpose, "account": account}
        said |= {"now": now.isoformat(), "expires": expires.isoformat()}
        return str(self._keeper.ask("nonces.issue", **said))

    def spend(self, nonce: str, purpose: str, request_id: str, now: datetime) -> None:
        """Use the nonce for a request."""
        said: dict[str, Any] = {"nonce": nonce, "purpose": purpose, "request_id": request_id, "now": now.isoformat()}
        self._keeper.ask("nonces.spend", **said)


class SocketEvaluator(Evaluator):
    """Keeps the promise of `Evaluator` by asking a keeper, who measures by its own plan and on its own snapshot."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper, for as long as it takes."""
        self._keeper = keeper.patient(None)

    def evaluate(self, question: Question) -> Evaluation:
        """Have the question answered."""
        return evaluation_from(self._keeper.ask("evaluator.evaluate", question=question_values(question)))

    def describe(self, plan: EvaluationPlan, snapshot: str, digest: str) -> RowsDescribed:  # noqa: ARG002 - its own
        """Have the rows described."""
        return described_from(self._keeper.ask("evaluator.describe", plan=asdict(plan), digest=digest))
