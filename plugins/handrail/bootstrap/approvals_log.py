"""Opens the transparency log of the approvals: where the gate appends, and where others verify."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

from handrail.approvals.service import Publisher
from handrail.errors import HandrailError, Misconfigured, Unavailable
from handrail.settings import Settings
from handrail.storage import Store

if TYPE_CHECKING:
    from pathlib import Path

    from handrail.approvals.adapters.folder_witness import FolderWitness
    from handrail.approvals.adapters.http_witnesses import HttpWitnesses
    from handrail.approvals.adapters.log_reader import LogState
    from handrail.approvals.adapters.sql_ledger import SqlLedger
    from handrail.approvals.adapters.sql_seals import Seals
    from handrail.approvals.domain.log_policy import LogPolicy
    from handrail.approvals.domain.notes import VerifierKey

__all__ = ["POLICY", "log_state", "open_ledger", "open_witness", "read_log_key", "read_policy"]

POLICY = "log.policy"
"""The file below `config/` that names the witnesses."""

_log = logging.getLogger("handrail.approvals")


def open_ledger(settings: Settings, store: Store) -> tuple[SqlLedger, Seals]:
    """Open the ledger with its log and seals, inside the gate's process, and bring the log's files up to date.

    Args:
        settings: of the project.
        store: with migrated tables.

    Raises:
        Misconfigured: the log's key was lost or replaced.
        LogMismatch: the ledger's log or its files were changed by others.
    """
    from handrail.approvals.adapters.ed25519_notes import open_heads
    from handrail.approvals.adapters.folder_log import FolderLog
    from handrail.approvals.adapters.mlflow_home import stable_server_name
    from handrail.approvals.adapters.sql_ledger import SqlLedger
    from handrail.approvals.adapters.sql_log import SqlLog
    from handrail.approvals.adapters.sql_seals import Seals

    name = f"handrail/{stable_server_name(settings.gate_home / 'mlflow', settings.environment)}"
    signer = open_heads(settings.gate_credentials / "log-signing-key.pem", settings.log / "log.vkey", name)
    log = SqlLog(store, signer)
    ledger = SqlLedger(store, log)
    seals = Seals(signer)
    adopted = ledger.begin(seals)
    if adopted:
        _log.warning("The log began with %d requests and events from before it.", adopted)
    publisher = Publisher(log, FolderLog(settings.log), signer.key, _witnesses(settings))
    try:
        publisher.catch_up()
    except Unavailable as err:
        _log.error("The log's files are behind; they are written with the next event. %s", err)
    background = Background(publisher)
    log.committed = background.wake
    if publisher.witnesses:
        background.wake()
    return ledger, seals


def read_log_key(file: Path) -> VerifierKey:
    """Read the public key of a log.

    Raises:
        Misconfigured: the file is missing or holds none.
    """
    from handrail.approvals.adapters.ed25519_notes import read_key

    return read_key(file)


def log_state(settings: Settings, most: int) -> LogState | None:
    """Return the log's checkpoint with its latest leaves, None where nothing was published yet.

    Raises:
        Misconfigured: the log's public key is missing.
        LogMismatch: the checkpoint is not the log's own, or files are missing.
    """
    from handrail.approvals.adapters.log_reader import LogReader

    return LogReader(settings.log, read_log_key(settings.log / "log.vkey")).state(most)


def open_witness(private: Path, name: str, state: Path, logs: Sequence[Path]) -> FolderWitness:
    """Open a witness for the logs whose keys are in these files; its own key is made at its first use.

    Raises:
        Misconfigured: a key cannot be used.
        Unavailable: the folder cannot be written.
    """
    from handrail.approvals.adapters.ed25519_notes import open_heads
    from handrail.approvals.adapters.folder_witness import FolderWitness
    from handrail.approvals.domain.notes import COSIGNATURE

    signer = open_heads(private, state / "witness.vkey", name, COSIGNATURE)
    return FolderWitness(signer, [read_log_key(file) for file in logs], state, lambda: int(time()))


def read_policy(file: Path) -> LogPolicy:
    """Read which witnesses have to cosign.

    Raises:
        Misconfigured: the file is missing or cannot be used.
    """
    from handrail.approvals.domain.log_policy import LogPolicy

    try:
        return LogPolicy.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        remedy = "Write it as https://c2sp.org/tlog-policy says."
        raise Misconfigured(str(file), f"it is no policy of a log: {err}", remedy) from err


def _witnesses(settings: Settings) -> HttpWitnesses | None:
    from handrail.approvals.adapters.http_witnesses import HttpWitnesses

    file = settings.config / POLICY
    return HttpWitnesses(read_policy(file).witnesses) if file.exists() else None


class Background:
    """Publishes soon after it is woken, off the request's thread; what comes meanwhile is published together."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._process: int | None = None

    def wake(self) -> None:
        """Ask for the files to be brought up to date, and return at once."""
        self._wanted.set()
        with self._lock:
            # A thread does not live on in a process that was forked.
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="handrail-log", daemon=True).start()

    def _run(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            try:
                self._publisher.collect(self._publisher.catch_up())
            except HandrailError as err:
                _log.error("The log's files could not be brought up to date. %s", err)
