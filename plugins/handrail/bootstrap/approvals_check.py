"""Holds what the gate logged against everything else that says the same: ledger, files, permits, MLflow, lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from handrail.approvals import PermitVerifier, TamperedLog, UnverifiedBytes
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.permit import Permit
from handrail.approvals.service.signed_records import SignedRecords
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import migrated, server_name
from handrail.bootstrap.approvals_log import read_log_key
from handrail.bootstrap.approvals_rules import open_records_of_rules, open_signatures
from handrail.errors import UnknownReference
from handrail.refs import ModelAlias, ModelVersion

if TYPE_CHECKING:
    from handrail.approvals.adapters.mlflow_aliases import AliasTarget
    from handrail.approvals.adapters.sql_log import SqlLog
    from handrail.approvals.domain.events import History
    from handrail.approvals.rule_ports import RuleRecords

__all__ = ["check", "mlflow_aliases"]

Aliases = Mapping[tuple[str, str], "AliasTarget"]


def mlflow_aliases(platform: Platform, backend_store_uri: str | None) -> Aliases | None:
    """Read MLflow's alias table by the URI, or where this project's server has it; None if it is at neither.

    Raises:
        Unavailable: the database cannot be read.
    """
    from handrail.approvals.adapters.mlflow_aliases import read_aliases

    own = platform.settings.home / "mlflow" / "server.db"
    url = backend_store_uri or (f"sqlite:///{own}" if own.is_file() else None)
    return read_aliases(url) if url else None


def check(platform: Platform, aliases: Aliases | None) -> Iterator[str]:
    """Yield one sentence for each disagreement; without `aliases` MLflow is not asked.

    Raises:
        Misconfigured: the log's public key is missing: the gate's server was never started with this home.
    """
    from handrail.approvals.adapters.ed25519_notes import Ed25519Heads
    from handrail.approvals.adapters.sql_audit import SqlAudit
    from handrail.approvals.adapters.sql_ledger import SqlLedger
    from handrail.approvals.adapters.sql_log import SqlLog
    from handrail.approvals.adapters.sql_seals import Seals

    signer = Ed25519Heads(read_log_key(platform.settings.log / "log.vkey"))
    store = migrated(platform.approvals_store)
    log = SqlLog(store, signer)
    yield from SqlAudit(store, log, Seals(signer)).problems()
    yield from _files(platform, log)
    try:
        histories = SqlLedger(store, None).find()
    except (ValueError, KeyError, TypeError, AttributeError):
        # Said above; nothing can be compared with rows that cannot be read.
        return
    yield from _signatures(platform, histories, open_records_of_rules(store, log))
    yield from _permits(platform, histories)
    if aliases is not None:
        yield from _aliases(platform, histories, aliases)
    yield from _pointers(platform, histories)


def _signatures(platform: Platform, histories: Sequence[History], records: RuleRecords) -> Iterator[str]:
    """Verify each person's signature under a decision, by the keys that were theirs then."""
    from handrail.approvals.adapters.kept_texts import kept_rules

    try:
        in_force, changes = records.all_in_force(), records.changes()
    except LogMismatch:
        # Said above.
        return
    signatures = open_signatures(server_name(platform.settings))
    yield from SignedRecords(signatures, in_force, kept_rules).problems(histories, changes)


def _files(platform: Platform, log: SqlLog) -> Iterator[str]:
    from handrail.approvals.adapters.log_verifier import LogVerifier
    from handrail.approvals.domain.merkle import root_from_inclusion

    folder = platform.settings.log
    try:
        checkpoint = LogVerifier(folder, read_log_key(folder / "log.vkey")).verify().checkpoint
        if not checkpoint.size:
            return
        last = log.read(checkpoint.size - 1, checkpoint.size)
    except (TamperedLog, LogMismatch) as err:
        yield str(err)
        return
    size = checkpoint.size
    if not last or root_from_inclusion(last[0].hash, size - 1, size, last[0].proof) != checkpoint.root:
        yield f"The log's files have {size} leaves that the ledger does not have so."


def _permits(platform: Platform, histories: Sequence[History]) -> Iterator[str]:
    """Check that each permit is the gate's, and that the folder holds permits of the ledger and no others."""
    verifier = PermitVerifier(platform.settings.permits / "gate.pub")
    lying = {file: file.read_bytes().decode("utf-8", "replace") for file in platform.settings.permits.rglob("*.json")}
    promoted = [(each, each.done.envelope) for moved in _moves(histories).values() for each in moved if each.done]
    published: dict[tuple[str, str, str], tuple[str, str]] = {}
    for history, envelope in promoted:
        permit = _read(verifier, envelope)
        if permit is None:
            yield f"The permit of {history.request.request_id!r} is not signed by this project's gate."
        elif history.is_published:
            published[permit.model, permit.alias, permit.tree_digest] = history.request.request_id, envelope
    yield from (
        f"The permit of {request_id!r} is not in {platform.settings.permits} any more."
        for request_id, envelope in published.values()
        if envelope not in lying.values()
    )
    known = {envelope for _, envelope in promoted}
    yield from (
        f"The permit {file} is signed by the gate, and the ledger has no such promotion."
        for file, envelope in sorted(lying.items())
        if envelope not in known and _read(verifier, envelope)
    )


def _read(verifier: PermitVerifier, envelope: str) -> Permit | None:
    try:
        return verifier.read(envelope.encode("utf-8"))
    except UnverifiedBytes:
        return None


def _moves(histories: Sequence[History]) -> dict[tuple[str, str], list[History]]:
    """Return the finished moves of each alias of each model, in their order."""
    found: dict[tuple[str, str], list[History]] = {}
    for history in sorted((each for each in histories if each.done), key=_moved_at):
        subject = history.request.subject
        found.setdefault((subject.model, subject.alias), []).append(history)
    return found


def _moved_at(history: History) -> str:
    return history.done.at.isoformat() if history.done else ""


def _aliases(platform: Platform, histories: Sequence[History], aliases: Aliases) -> Iterator[str]:
    """Compare MLflow's alias table with the last move of each alias."""
    moves = _moves(histories)
    open_moves = {
        (history.request.subject.model, history.request.subject.alias) for history in histories if history.open_move
    }
    protected = platform.approvals.protected
    for name, target in sorted(aliases.items(), key=lambda pair: pair[0]):
        if protected(*name, prompt=target.prompt) and name not in moves and name not in open_moves:
            yield f"{name[0]}@{name[1]} points at version {target.version} in MLflow, and the gate never moved it."
    for name, moved in sorted(moves.items()):
        wanted, found = moved[-1].request.subject.version, aliases.get(name)
        if (found is None or found.version != wanted) and name not in open_moves:
            where = "points nowhere" if found is None else f"points at version {found.version}"
            yield f"{name[0]}@{name[1]} {where} in MLflow, and the gate moved it last to version {wanted}."


def _pointers(platform: Platform, histories: Sequence[History]) -> Iterator[str]:
    """Compare each move that was published with what lineage says of the name."""
    for (model, alias), moved in sorted(_moves(histories).items()):
        name = ModelAlias(model, alias).pointer
        try:
            pointers = platform.lineage.pointer_history(name)
        except UnknownReference:
            pointers = ()
        said = {(pointer.by, pointer.target, pointer.at.isoformat()) for pointer in pointers}
        logged = {_expected(history) for history in moved if history.is_published}
        for by, target, at in sorted(logged - said):
            yield f"Lineage does not say that {model}@{alias} points at {target} since {at} by {by}."
        others = {row for row in said - logged if row[0].startswith("approval://")}
        for by, other, at in sorted(others, key=str):
            yield f"Lineage says that {model}@{alias} points at {other} since {at} by {by}, which no move did."


def _expected(history: History) -> tuple[str, str, str]:
    assert history.done is not None
    subject = history.request.subject
    version = ModelVersion(subject.server, subject.model, subject.epoch, subject.version)
    return f"approval://{subject.server}/{history.request.request_id}", version.uri, history.done.at.isoformat()
