"""A promotion in a process of its own that is killed at one of its writes, and another process that takes it up."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from handrail.approvals.adapters.ed25519_notes import open_heads
from handrail.approvals.adapters.ed25519_permits import Ed25519Signer
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.adapters.sql_audit import SqlAudit
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_ledger import SqlLedger
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.domain.judging import Verdict
from handrail.files import replace_file
from handrail.storage import Store, open_store
from tests.fakes.approvals import EVIDENCE, FakeRegistry
from tests.fakes.approvals_world import World


class Moments:
    """Counts moments at which the process can be killed, and kills it at one of them."""

    def __init__(self, at: int | None) -> None:
        self._at, self.passed = at, 0

    def pass_one(self) -> None:
        if self.passed == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1


class MortalStore(Store):
    """A store whose process can be killed before each commit, with everything written, and after it."""

    def __init__(self, store: Store, moments: Moments) -> None:
        super().__init__(store.engine)
        self._moments = moments

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            self._moments.pass_one()
        self._moments.pass_one()


class FileRegistry(FakeRegistry):
    """A registry whose aliases are in a file, as another database: it commits by itself."""

    def __init__(self, file: Path, moments: Moments) -> None:
        super().__init__()
        self._file, self._moments = file, moments
        if file.exists():
            self.aliases = {("flights", alias): version for alias, version in json.loads(file.read_text()).items()}

    def point(self, model: str, alias: str, version: int) -> None:
        self._moments.pass_one()
        super().point(model, alias, version)
        replace_file(self._file, json.dumps({alias: at for (_, alias), at in self.aliases.items()}).encode())
        self._moments.pass_one()


def mortal_world(folder: Path, url: str, moments: Moments) -> World:
    """Open a gate over a migrated store; everything but the registry's versions outlives the process."""
    store = MortalStore(open_store(url), moments)
    key = open_heads(folder / "log.pem", folder / "log.vkey", "example.com/log")
    seals, ledger = Seals(key), SqlLedger(store, SqlLog(store, key))
    ledger.begin(seals)
    adapters: dict[str, Any] = {
        "ledger": ledger,
        "findings": SqlFindings(store, ledger.log),
        "provenance": SqlProvenance(store, seals),
        "holds": SqlHolds(store, seals),
        "registry": FileRegistry(folder / "aliases.json", moments),
        "signer": Ed25519Signer(folder / "gate.pem", folder / "gate.pub"),
        "shelf": FolderShelf(folder / "permits"),
    }
    return World(**adapters)


def promote_and_die(folder: Path, url: str, at: int | None) -> None:
    """Promote version 1, and be killed at this moment; without one, write how many there are."""
    moments = Moments(at)
    mortal_world(folder, url, moments).promote()
    (folder / "moments").write_text(str(moments.passed))


def take_up(folder: Path, url: str) -> None:
    """Start again, then let the same people do the same again; write what was found before and after that."""
    world = mortal_world(folder, url, Moments(None))
    key = open_heads(folder / "log.pem", folder / "log.vkey", "example.com/log")
    store = open_store(url)
    audit = SqlAudit(store, SqlLog(store, key), Seals(key))

    def standing():
        return {
            "problems": list(audit.problems()),
            "open": len(world.ledger.unfinished()),
            "promoted": [row.version for row in world.ledger.promoted()],
            "alias": world.champion(),
            "shelf": len(list((folder / "permits").rglob("*.json"))),
        }

    world.gate.finish_moves()
    found = {"started": standing()}
    request_id = world.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})
    if world.gate.request(request_id).judgement.verdict is not Verdict.PROMOTED:
        for account in ("ben", "cleo"):
            world.say(request_id, account)
    found["repeated"] = standing()
    (folder / "found.json").write_text(json.dumps(found))
