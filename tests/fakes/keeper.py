"""A keeper in a thread of this process, on a socket of its own."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handrail.approvals.adapters.keeper_calls import calls_of
from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.keeper_server import KeeperServer
from handrail.approvals.service.custody import Custody
from tests.fakes.approvals import FakeSigner, MemoryLedger, MemoryShelf
from tests.fakes.approvals_attempts import MemoryAttempts
from tests.fakes.approvals_attesting import MemoryNonces
from tests.fakes.approvals_custody import MemoryHolds, MemoryProvenance
from tests.fakes.approvals_evidence import FakeEvaluator, MemoryLooks, MemorySnapshots
from tests.fakes.approvals_findings import MemoryFindings
from tests.fakes.approvals_rows import MemoryBook, MemoryPredictions
from tests.fakes.approvals_ruling import RulesInMemory


def memory_custody(**held: Any) -> Custody:
    """Return what a keeper holds: what is named, and fakes for the rest."""
    ledger = held.get("ledger", MemoryLedger())
    snapshots = held.get("snapshots", MemorySnapshots())
    rest = {
        "server": "local-1",
        "ledger": ledger,
        "index": ledger,
        "findings": MemoryFindings(),
        "rules": RulesInMemory(),
        "provenance": MemoryProvenance(),
        "holds": MemoryHolds(),
        "signer": FakeSigner(),
        "shelf": MemoryShelf(),
        "snapshots": snapshots,
        "predictions": MemoryPredictions(),
        "snapshot_book": MemoryBook(snapshots),
        "looks": MemoryLooks(),
        "evaluator": FakeEvaluator(),
        "nonces": MemoryNonces(),
        "attempts": MemoryAttempts(),
    }
    return Custody(**rest | held)


@contextmanager
def serving(custody: Custody, users: Collection[int] | None = None) -> Iterator[Path]:
    """Serve a custody, to this user if no others are named; give the path of the socket."""
    allowed = {os.geteuid()} if users is None else users
    # Not below pytest's own folders: the path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="keeper-") as folder:
        path = Path(folder) / "keeper.sock"
        with KeeperServer(path, calls_of(custody), allowed) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield path
            finally:
                server.shutdown()
                thread.join()


@contextmanager
def asking(**held: Any) -> Iterator[KeeperClient]:
    """Give a client of a keeper that holds what is named, and fakes for the rest."""
    with serving(memory_custody(**held)) as path:
        client = KeeperClient(path)
        try:
            yield client
        finally:
            client.close()
