"""Opens what the gate holds: in this process, or where a keeper holds it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer
from handrail.approvals.adapters.evaluation_process import EvaluationProcess
from handrail.approvals.adapters.folder_predictions import FolderPredictions
from handrail.approvals.adapters.folder_snapshots import FolderSnapshots, SqlLooks
from handrail.approvals.adapters.log_attempts import LogAttempts
from handrail.approvals.adapters.mlflow_home import stable_server_name
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_nonces import SqlNonces
from handrail.approvals.adapters.sql_rules import SqlRules
from handrail.approvals.adapters.sql_snapshot_book import SqlSnapshotBook
from handrail.approvals.service.custody import Custody
from handrail.bootstrap.approvals_keys import open_shelf, refuse_lost_key, refuse_lost_ledger
from handrail.bootstrap.approvals_log import open_ledger
from handrail.clock import system_time
from handrail.errors import Misconfigured
from handrail.files import create_file
from handrail.settings import Settings, make_home
from handrail.storage import Store, open_store

PATIENCE_S = 0.5
"""How long MLflow's own calls wait for the store of the approvals; what it cannot take yet is kept in a file."""
ONE_USER = (
    "The gate's keys and its ledger belong to the user of this server: whatever runs as this user, training code for "
    "instance, can sign permits and edit records. Start both with 'handrail approvals keeper' to keep them apart."
)

_log = logging.getLogger("handrail.approvals")


def held_here(settings: Settings, store: Store) -> Custody:
    """Open keys, ledger and log in this process; the tables of the store are migrated.

    Raises:
        Misconfigured: the signing key or the log's key cannot be used, or the gate's ledger or key is lost.
        LogMismatch: the ledger's log or its files were changed by others.
    """
    refuse_lost_key(settings)
    ledger, seals = open_ledger(settings, store)
    refuse_lost_ledger(settings, ledger)
    signer = Ed25519Signer(settings.gate_credentials / "gate-signing-key.pem", settings.permits / "gate.pub")
    # A store of its own, which does not keep training waiting while something else writes for long.
    quick = open_store(settings.approvals_url, PATIENCE_S)
    return Custody(
        server=stable_server_name(settings.gate_home / "mlflow", settings.environment),
        ledger=ledger,
        index=ledger,
        findings=SqlFindings(store, ledger.log),
        rules=SqlRules(store, ledger.log),
        provenance=SqlProvenance(quick, seals),
        holds=SqlHolds(store, seals),
        signer=signer,
        shelf=open_shelf(settings, signer),
        snapshots=FolderSnapshots(settings.labels, store, seals),
        snapshot_book=SqlSnapshotBook(store, ledger.log, seals),
        predictions=FolderPredictions(settings.labels / "predictions", store, ledger.log, seals, system_time),
        looks=SqlLooks(store, seals),
        evaluator=EvaluationProcess(),
        nonces=SqlNonces(store, seals),
        attempts=LogAttempts(ledger.log),
    )


def held_by_keeper(settings: Settings) -> Custody:
    """Open what the keeper on this machine holds.

    Raises:
        Unavailable: it is not there.
        Misconfigured: it is the keeper of another server.
    """
    from handrail.approvals.adapters import socket_custody as held
    from handrail.approvals.adapters.keeper_client import KeeperClient
    from handrail.approvals.adapters.log_attempts import SocketAttempts
    from handrail.approvals.adapters.socket_ledger import SocketLedger
    from handrail.approvals.adapters.socket_rules import SocketRules

    assert settings.approvals_socket is not None
    keeper = KeeperClient(settings.approvals_socket)
    ledger = SocketLedger(keeper)
    return Custody(
        server=use_name_of_keeper(settings),
        ledger=ledger,
        index=ledger,
        findings=held.SocketFindings(keeper),
        rules=SocketRules(keeper),
        provenance=held.SocketProvenance(keeper.patient(2 * PATIENCE_S)),
        holds=held.SocketHolds(keeper),
        signer=held.SocketSigner(keeper),
        shelf=held.SocketShelf(keeper),
        snapshots=held.SocketSnapshots(keeper),
        snapshot_book=held.SocketSnapshotBook(keeper),
        predictions=held.SocketPredictions(keeper),
        looks=held.SocketLooks(keeper),
        evaluator=held.SocketEvaluator(keeper),
        nonces=held.SocketNonces(keeper),
        attempts=SocketAttempts(keeper),
    )


def open_custody(settings: Settings, store: Callable[[], Store]) -> Custody:
    """Open what the gate holds where the settings say, and say what it costs if there is no keeper.

    Raises:
        HandrailError: as `held_here` and `held_by_keeper`.
    """
    if settings.approvals_socket is not None:
        return held_by_keeper(settings)
    _log.warning(ONE_USER)
    return held_here(settings, store())


def use_name_of_keeper(settings: Settings) -> str:
    """Return the name that the keeper's permits are for, and keep it as the name of this MLflow server.

    Raises:
        Unavailable: the keeper is not there.
        Misconfigured: this home has another name.
    """
    from handrail.approvals.adapters.keeper_client import KeeperClient

    assert settings.approvals_socket is not None
    with KeeperClient(settings.approvals_socket) as keeper:
        name = str(keeper.ask("keeper.server"))
    create_file(make_home(settings) / "mlflow" / "server-name", name.encode("ascii"))
    own = stable_server_name(settings.home / "mlflow", settings.environment)
    if own != name:
        raise Misconfigured(
            str(settings.home / "mlflow" / "server-name"),
            f"this server is {own!r}, and its keeper signs for {name!r}",
            "Name this server's own keeper in approvals_socket, or restore the file.",
        )
    return name
