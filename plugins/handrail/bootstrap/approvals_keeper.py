"""Opens the keeper: ledger, keys and log in a process of their own, which signs and stores what follows from them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from handrail.approvals.adapters.copied_tables import copy_tables
from handrail.approvals.adapters.keeper_calls import calls_of
from handrail.approvals.adapters.keeper_process import KeeperProcess, run_beside
from handrail.approvals.adapters.keeper_server import KeeperServer
from handrail.approvals.adapters.system_users import SystemUser
from handrail.approvals.service.attestations import ProvenNonces
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.proven_custody import ProvenSnapshotBook
from handrail.approvals.service.proven_findings import ProvenFindings
from handrail.approvals.service.proven_signing import ProvenShelf, ProvenSigner
from handrail.approvals.service.proving import ProvenLedger
from handrail.approvals.service.witnessed import WitnessedEvaluator
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_custody import held_here
from handrail.bootstrap.approvals_evaluation import open_row_custody
from handrail.bootstrap.approvals_rules import (
    attestations_in_force,
    open_rule_changes,
    open_signatures,
    plans_in_force,
    proven_rules,
    rules_in_force,
)
from handrail.clock import system_time
from handrail.errors import Misconfigured
from handrail.files import REMEDY, create_file, unwritable
from handrail.settings import Settings
from handrail.storage import open_store

__all__ = [
    "KeeperProcess",
    "SystemUser",
    "keeper_settings",
    "open_keeper",
    "prepare_gate_home",
    "refuse_replaceable",
    "run_beside",
]

KEYS = ("gate-signing-key.pem", "log-signing-key.pem", "gate-p256-key.pem")
PRIVATE = ("credentials", "ledger", "labels", "mlflow")
PUBLIC = ("permits", "log", "run")
MOVED = ("permits", "log", "labels")


def keeper_settings(settings: Settings) -> Settings:
    """Return the settings of a keeper: its own folder, and the socket that it listens on."""
    home = settings.approvals_home or settings.home / "approvals"
    socket = settings.approvals_socket or home / "run" / "keeper.sock"
    return settings.model_copy(update={"approvals_home": home, "approvals_socket": socket})


def prepare_gate_home(settings: Settings, keeper: SystemUser) -> list[str]:
    """Make the keeper's folder and bring into it what the gate has kept in the home so far; return what was done.

    Called before this process becomes the keeper's user. Safe to repeat, also after an interruption.

    Raises:
        Unavailable: a folder cannot be made.
        Misconfigured: the store of the home cannot be read.
    """
    home = settings.gate_home
    with unwritable(home, REMEDY):
        home.mkdir(parents=True, exist_ok=True)
        for name in (*PRIVATE, *PUBLIC):
            (home / name).mkdir(exist_ok=True)
        done = _bring_here(settings)
        for name in PRIVATE:
            (home / name).chmod(0o700)
        for name in PUBLIC:
            (home / name).chmod(0o755)
        home.chmod(0o755)
        if os.geteuid() == 0:
            for path in (home, *home.rglob("*")):
                os.chown(path, keeper.uid, keeper.gid, follow_symlinks=False)
    return done


def open_keeper(settings: Settings, clients: Collection[SystemUser]) -> KeeperServer:
    """Open the keeper in this process, which is its user's by now, for servers of these users.

    Raises:
        Misconfigured: a key, a policy or the roles cannot be used, or a client could change what they say.
        LogMismatch: the ledger's log or its files were changed by others.
        Unavailable: the folder cannot be reached, or another keeper is at work.
    """
    if settings.approvals_socket is None:
        raise Misconfigured("approvals_socket", "it is not set", "Name the place of the keeper's socket.")
    own = os.geteuid()
    others = [client for client in clients if client.uid != own]
    _require_reach(settings.gate_home)
    refuse_replaceable(settings.gate_home, others)
    _refuse_open_rules(settings.config, others)
    held = held_here(settings, migrated(open_store(settings.approvals_url)))
    calls = calls_of(proven(settings, held))
    return KeeperServer(settings.approvals_socket, calls, {client.uid for client in clients})


def proven(settings: Settings, held: Custody) -> Custody:
    """Put what proves each event and each signature in front of what is held."""
    changes = open_rule_changes(settings, held.rules, held.server)
    changes.start()
    rules, plans = rules_in_force(held.rules, changes.count_files), plans_in_force(changes)
    custody = open_row_custody(held, plans, rules)
    evaluator = WitnessedEvaluator(held.evaluator, custody, held.index)
    signer = ProvenSigner(held.server, held.ledger, held.index, held.signer, system_time)
    ledger = ProvenLedger(
        server=held.server,
        environment=settings.environment,
        ledger=held.ledger,
        index=held.index,
        provenance=held.provenance,
        findings=held.findings,
        rules=rules,
        signer=held.signer,
        clock=system_time,
        signatures=open_signatures(held.server).check,
        why_not_measured=evaluator.why_not_measured,
        attestations=attestations_in_force(changes, rules, held.nonces),
    )
    shelf = ProvenShelf(held.ledger, signer, held.shelf)
    findings = ProvenFindings(held.findings, held.index, rules, system_time)
    records = proven_rules(settings, held.rules, held.server)
    return replace(
        held,
        ledger=ledger,
        findings=findings,
        rules=records,
        signer=signer,
        shelf=shelf,
        evaluator=evaluator,
        snapshot_book=ProvenSnapshotBook(held.snapshot_book, custody),
        nonces=ProvenNonces(held.nonces, system_time),
    )


def _bring_here(settings: Settings) -> list[str]:
    """Copy the tables, then move folders, then keys: as long as a key is missing here, the home is not moved."""
    old, new = settings.home, settings.gate_home
    if old == new:
        return []
    name = old / "mlflow" / "server-name"
    if name.exists():
        create_file(new / "mlflow" / "server-name", name.read_bytes())
    keys = [old / "credentials" / key for key in KEYS if (old / "credentials" / key).exists()]
    if not keys:
        return []
    folders = [folder for folder in MOVED if (old / folder).is_dir()]
    for folder in (*folders, "credentials"):
        _refuse_links(old / folder)
    rows = _copy_records(settings)
    for folder in folders:
        shutil.copytree(old / folder, new / folder, symlinks=True, dirs_exist_ok=True)
    _move_keys(keys, new / "credentials")
    for folder in folders:
        shutil.rmtree(old / folder, ignore_errors=True)
    return [f"Keys, permits, log and {rows} records of the gate were moved from {old} to {new}."]


def _move_keys(keys: Iterable[Path], into: Path) -> None:
    for key in keys:
        create_file(into / key.name, key.read_bytes())
        key.unlink()


def _copy_records(settings: Settings) -> int:
    source, target = open_store(settings.store_url), open_store(settings.approvals_url)
    try:
        return copy_tables(migrated(source), migrated(target))
    finally:
        source.close()
        target.close()


def refuse_replaceable(home: Path, clients: Collection[SystemUser]) -> None:
    """Refuse a place for the keeper's folder in which a client could put another folder of that name.

    Raises:
        Misconfigured: a folder above it, or itself, is a client's to write.
    """
    for folder in (home, *home.parents):
        for client in clients:
            if folder.is_dir() and client.may_write(folder) and not client.is_kept_out_of(folder):
                problem = f"user {client.uid}, as whom the server runs, may write to {folder} and so replace {home}"
                raise Misconfigured("approvals_home", problem, "Name a folder elsewhere, such as /var/lib/handrail.")


def _refuse_links(folder: Path) -> None:
    """Refuse to copy, as root perhaps, what a link names."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            raise Misconfigured(str(path), "it is a link, and the gate made none", "Look who put it there; remove it.")


def _require_reach(home: Path) -> None:
    """Refuse a folder below one that this user may not pass."""
    for folder in (*reversed(home.parents), home):
        if not os.access(folder, os.X_OK):
            remedy = "Let everybody pass it (chmod o+x), or name another folder in approvals_home."
            raise Misconfigured("approvals_home", f"user {os.geteuid()} cannot pass through {folder}", remedy)


def _refuse_open_rules(config: Path, clients: Collection[SystemUser]) -> None:
    """Refuse policies, roles and the description of the evaluation if a client could write them itself."""
    environments = sorted(folder for folder in config.glob("environments/**") if folder.is_dir())
    folders = [folder for folder in (config, config / "policies", *environments) if folder.is_dir()]
    within = (each for folder in folders[1:] for each in folder.glob("*"))
    files = [file for file in (*config.glob("*.yaml"), *within) if file.is_file()]
    for path in (*folders, *files):
        for client in clients:
            if client.may_write(path):
                problem = f"user {client.uid}, as whom the server runs, may change it, and it says who may decide"
                raise Misconfigured(str(path), problem, "Give it another owner, and write permission to nobody else.")
