"""Opens the approval gates: records anywhere, the gate inside an MLflow server, the verifier where bytes are loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.folder_shelf import permit_file
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.approvals.adapters.mlflow_download import without_additions
from handrail.approvals.evidence_ports import EvaluationPlans, Snapshots
from handrail.approvals.ports import DecisionJournal, RuleBook
from handrail.approvals.rule_ports import RuleRecords
from handrail.approvals.service import Approvals, Differences, Evaluations, Gate, GatePorts, Guard, Limits
from handrail.approvals.service.collecting import collect_copies
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.holding import Holding
from handrail.approvals.service.moves import Mover
from handrail.approvals.service.notices import Notices
from handrail.approvals.service.past import Past
from handrail.approvals.service.prediction_desk import PredictionDesk
from handrail.approvals.service.reviewers import Reviewing
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.approvals.service.standing import StandingWatch
from handrail.bootstrap.approvals_custody import held_by_keeper, open_custody, use_name_of_keeper
from handrail.bootstrap.approvals_differences import open_differences
from handrail.bootstrap.approvals_evaluation import open_evaluations, open_row_custody
from handrail.bootstrap.approvals_holding import open_holding
from handrail.bootstrap.approvals_journal import LineageJournal
from handrail.bootstrap.approvals_keys import refuse_lost_key
from handrail.bootstrap.approvals_lineage import ReadTraces
from handrail.bootstrap.approvals_notices import noted, open_notices
from handrail.bootstrap.approvals_outside import Outside, open_outside
from handrail.bootstrap.approvals_policy import open_project_rules
from handrail.bootstrap.approvals_ports import GateHost, Vouching, gate_ports
from handrail.bootstrap.approvals_rules import (
    attestations_in_force,
    begin_rules,
    open_records_of_rules,
    plans_in_force,
    rules_in_force,
    rules_then,
)
from handrail.bootstrap.approvals_tables import migrated
from handrail.clock import system_time
from handrail.errors import Misconfigured
from handrail.refs import Use
from handrail.settings import Settings, make_home
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.lineage.service.lineage import Lineage

__all__ = [
    "GateHost",
    "find_permit",
    "migrated",
    "open_approvals",
    "open_gate",
    "open_permit_verifier",
    "permit_path",
    "prepare_mlflow",
    "project_use",
    "server_name",
    "tree_digest",
]

_log = logging.getLogger("handrail.approvals")


def open_permit_verifier(
    settings: Settings,
    key: Path | None = None,
    *,
    pinned: str | None = None,
    seen: Path | None = None,
    revoked: Path | None = None,
) -> PermitVerifier:
    """Open the verifier that trusts this project's gate, or `key`. Needs no store, no server and no network.

    `pinned` is the id that the key must have; the setting `gate_key_id` if None. `seen` is a file of counters,
    `revoked` the list of permits that were taken back, if it is not beside the key.
    """
    return PermitVerifier(
        key or settings.permits / "gate.pub", pinned=pinned or settings.gate_key_id, seen=seen, revoked=revoked
    )


def project_use(settings: Settings, *, model: str | None = None, alias: str | None = None) -> Use:
    """Return what this project serves: the model and alias of its settings unless others are named.

    Raises:
        Misconfigured: the gate's server is neither named in the settings nor below this home.
    """
    server = settings.gate_server
    if server is None and not (settings.home / "mlflow" / "server-name").is_file():
        raise Misconfigured(
            "gate_server",
            "it is not set, and this home is not that of the gate's MLflow server",
            "Set it to the server's name, which stands in mlflow/server-name below the HANDRAIL_HOME of that server.",
        )
    return Use(
        server or server_name(settings),
        model or settings.model_name,
        alias or settings.model_alias,
        settings.environment,
    )


def tree_digest(tree: Path) -> str:
    """Return `sha256:<hex>` of a folder's files, as the gate computes it.

    Raises:
        UnknownReference: there is no such folder.
        Refused: it holds no file, or a link.
    """
    return FolderTrees().manifest(str(tree)).digest


def find_permit(settings: Settings, use: Use, tree: Path) -> Path | None:
    """Return the project's permit for a use of exactly this tree, as it lies there or as MLflow downloads it.

    Raises:
        UnknownReference: there is no such folder.
        Refused: it holds no file, or a link.
    """
    manifest = FolderTrees().manifest(str(tree))
    digests = [manifest.digest]
    with suppress(ValueError):
        digests.append(without_additions(manifest).digest)
    files = [permit_path(settings, use, digest) for digest in digests]
    return next((file for file in files if file.is_file()), None)


def permit_path(settings: Settings, use: Use, digest: str) -> Path:
    """Return where the gate puts the permit of an alias for a tree; the file is there once the tree is promoted."""
    return permit_file(settings.permits, use, digest)


def server_name(settings: Settings) -> str:
    """Return the name that this project's MLflow server has in URIs and permits."""
    from handrail.approvals.adapters.mlflow_home import stable_server_name

    return stable_server_name(make_home(settings) / "mlflow", settings.environment)


def prepare_mlflow(settings: Settings) -> dict[str, str]:
    """Make what an MLflow server with the Handrail app needs, and return the environment to start it with.

    Before the first start policies and roles are read too, so that a misspelt key stops it with one sentence.

    Raises:
        Misconfigured: policies, roles or credentials cannot be used.
        Unavailable: the disk is full or a folder cannot be written.
    """
    from handrail.approvals.adapters.mlflow_home import prepare_mlflow_home

    # Later the files only propose: a mistake in them is reported, and stops nothing.
    if not (settings.log / "log.vkey").is_file():
        open_project_rules(settings).check()
    if settings.approvals_socket is None:
        refuse_lost_key(settings)
        Ed25519Signer(settings.gate_credentials / "gate-signing-key.pem", settings.permits / "gate.pub")
    else:
        use_name_of_keeper(settings)
    own = prepare_mlflow_home(make_home(settings) / "mlflow", settings.credentials, settings.environment)
    if settings.gate_key_id:
        open_permit_verifier(settings).key_id  # noqa: B018 - a replaced key stops the start
    return own | {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home)}


def open_approvals(settings: Settings, store: Callable[[], Store]) -> Approvals:
    """Open the records of requests, decisions and permits for reading, where a keeper holds them by asking it.

    Moving an alias needs the MLflow server's own process: see `open_gate`.
    """
    if settings.approvals_socket is not None:
        held = held_by_keeper(settings)
        return Approvals(held.ledger, held.index, _rules_to_read(settings, held.rules), held.findings)
    from handrail.approvals.adapters.ed25519_notes import Ed25519Heads, read_key
    from handrail.approvals.adapters.sql_findings import SqlFindings
    from handrail.approvals.adapters.sql_ledger import SqlLedger
    from handrail.approvals.adapters.sql_log import SqlLog

    key = settings.log / "log.vkey"
    tables = migrated(store())
    log = SqlLog(tables, Ed25519Heads(read_key(key))) if key.is_file() else None
    ledger, records = SqlLedger(tables, log), open_records_of_rules(tables, log)
    return Approvals(ledger, ledger, _rules_to_read(settings, records), SqlFindings(tables, log))


def _rules_to_read(settings: Settings, records: RuleRecords) -> RuleBook:
    """Return what is in force; before the first start of the server that is nothing but what the files say."""
    return rules_in_force(records) if records.in_force() else open_project_rules(settings)


@dataclass(frozen=True, slots=True)
class OpenGate:
    """The gate of an MLflow server, the guard that makes it the only way, the watch over what it has set.

    And what measures candidates outside of calls, with the labelled rows that it measures them on, the rules, what is
    said to others, who decides about a request, how requests were at earlier moments, how a candidate differs from the
    version before it, and what is written on MLflow's own pages.
    """

    gate: Gate
    guard: Guard
    watch: StandingWatch
    evaluations: Evaluations
    snapshots: Snapshots
    predictions: PredictionDesk
    rules: RuleChanges
    outside: Outside
    reviewing: Reviewing
    past: Past
    differences: Differences
    notices: Notices

    @property
    def plans(self) -> EvaluationPlans:
        """How each model is measured and called, as it is in force at each call."""
        return plans_in_force(self.rules)


def open_gate(
    settings: Settings,
    store: Callable[[], Store],
    lineage: Callable[[], Lineage],
    host: GateHost,
    evaluate_later: Callable[[str], None],
) -> OpenGate:
    """Open, inside an MLflow server, the gate and what stands around it.

    `store` opens that of the approvals, unless a keeper holds it. `evaluate_later` is called with the id of each
    request that waits for `evaluations`.

    Raises:
        Misconfigured: policies, roles or the signing key cannot be used, or the gate's ledger or key is lost.
        Unavailable: the keeper that the settings name is not there.
        LogMismatch: the ledger's log or its files were changed by others.
    """
    from handrail.approvals.adapters.mlflow_registry import MlflowRegistry

    make_home(settings)
    custody, due = noted(open_custody(settings, lambda: migrated(store())))
    changes, rules = begin_rules(settings, custody)
    registry = MlflowRegistry(host.registry, host.tracking, host.artifacts)
    holding = open_holding(settings, custody, registry, rules)
    attestations = attestations_in_force(changes, rules, custody.nonces)
    rows = open_row_custody(custody, plans_in_force(changes), rules)
    ports = gate_ports(custody, holding, host, Vouching(attestations, ReadTraces(custody.server, lineage), rows))
    mover = _open_mover(settings, custody, holding, LineageJournal(lineage))
    limits = Limits(settings.approvals_most_open, settings.approvals_most_kept)
    gate = Gate(custody.server, ports, mover, system_time, evaluate_later, limits)
    _tidy(gate, ports)
    return OpenGate(
        gate,
        Guard(rules, holding.holds, holding.provenance, holding.changes),
        StandingWatch(holding),
        open_evaluations(ports, custody),
        custody.snapshots,
        PredictionDesk(custody.predictions, registry, holding.reader),
        changes,
        open_outside(custody, gate, changes),
        Reviewing(rules),
        Past(custody.ledger, custody.index, custody.findings, partial(rules_then, custody.rules)),
        open_differences(ports, host, lineage),
        open_notices(due, gate, ports, host),
    )


def _tidy(gate: Gate, ports: GatePorts) -> None:
    # Verifiers load nothing without it, and a list that could not be written is made up for.
    gate.revoker.publish()
    collect_copies(ports.index, ports.copies, system_time())


def _open_mover(settings: Settings, custody: Custody, holding: Holding, journal: DecisionJournal) -> Mover:
    return Mover(
        environment=settings.environment,
        ledger=custody.ledger,
        index=custody.index,
        registry=holding.registry,
        rules=holding.rules,
        signer=custody.signer,
        shelf=custody.shelf,
        journal=journal,
        clock=system_time,
        findings=custody.findings,
        holding=holding,
    )
