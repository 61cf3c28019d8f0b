"""Snapshots and damages where rows were erased: a snapshot that held some says so, and is not called altered."""

from __future__ import annotations

from dataclasses import replace

from handrail.feedback.domain.snapshots import Snapshot
from handrail.feedback.domain.values import Damage, Status
from handrail.feedback.erasure_ports import ErasureBook
from handrail.feedback.ports import Auditor, SnapshotBook


class ErasedSnapshots(SnapshotBook):
    """Manifests of snapshots, each with what became of it."""

    def __init__(self, inner: SnapshotBook, erasures: ErasureBook) -> None:
        self._inner, self._erasures = inner, erasures

    def save(self, snapshot: Snapshot) -> Snapshot:
        """Keep the manifest and return it; if its digest is kept already, return that older one."""
        return self._inner.save(snapshot)

    def all(self) -> tuple[Snapshot, ...]:
        """Return every snapshot, sorted by digest."""
        became = {each.digest: each for each in self._erasures.replaced()}
        found = self._inner.all()
        return tuple(
            replace(each, erased=became[each.digest].rows, successor=became[each.digest].successor)
            if each.digest in became
            else each
            for each in found
        )

    def find(self, digest: str) -> Snapshot | None:
        """Return the snapshot of that digest, or None."""
        found = self._inner.find(digest)
        for each in self._erasures.replaced() if found is not None else ():
            if found is not None and each.digest == digest:
                return replace(found, erased=each.rows, successor=each.successor)
        return found


class ErasedAuditor(Auditor):
    """Damages but for what an erasure explains, and those of the erasures themselves."""

    def __init__(self, inner: Auditor, erasures: ErasureBook) -> None:
        self._inner, self._erasures = inner, erasures

    def status(self) -> Status:
        """Count everything."""
        return self._inner.status()

    def damages(self) -> tuple[Damage, ...]:
        """Return every row that was altered since it was recorded or erased, as far as anything shows it."""
        explained = {each.digest for each in self._erasures.replaced()}
        found = [
            each
            for each in self._inner.damages()
            if not (each.kind == "changed-snapshot" and each.subject in explained)
        ]
        return (*found, *self._erasures.damages())
