"""Opens the rules of the gate: what is in force, and how it changes. The files below `config/` only propose."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from handrail.approvals.domain.rule_changes import RuleSet, RulesInForce
from handrail.approvals.service.attestations import Attestations
from handrail.approvals.service.proven_rules import ProvenRules
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.approvals.service.signing import Signatures
from handrail.clock import system_time
from handrail.errors import Misconfigured
from handrail.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from handrail.approvals.adapters.kept_texts import RulesByLedger
    from handrail.approvals.adapters.sql_log import SqlLog
    from handrail.approvals.adapters.sql_rules import SqlRules
    from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations
    from handrail.approvals.attestation_ports import Nonces
    from handrail.approvals.ports import RuleBook
    from handrail.approvals.rule_ports import RuleRecords
    from handrail.approvals.service.custody import Custody
    from handrail.storage import Store

__all__ = [
    "attestations_in_force",
    "begin_rules",
    "open_records_of_rules",
    "open_rule_changes",
    "open_signatures",
    "plans_in_force",
    "proven_rules",
    "rules_in_force",
    "rules_then",
    "take_files",
]

_log = logging.getLogger("handrail.approvals")


def open_records_of_rules(store: Store, log: SqlLog | None) -> SqlRules:
    """Open the records in a store whose tables are migrated; without a log they can be read, and are not checked."""
    from handrail.approvals.adapters.sql_rules import SqlRules

    return SqlRules(store, log)


def open_rule_changes(settings: Settings, records: RuleRecords, server: str) -> RuleChanges:
    """Open what takes proposals of the project's files, and decisions about them for the server of this name."""
    from handrail.approvals.adapters.kept_texts import kept_rules

    files, signatures = _files_of(settings), open_signatures(server)
    return RuleChanges(records, files, kept_rules, system_time, user_name(), signatures)


def begin_rules(settings: Settings, custody: Custody) -> tuple[RuleChanges, RuleBook]:
    """Start what takes proposals, and return it with what rules; mistakes of what rules are logged."""
    changes = open_rule_changes(settings, custody.rules, custody.server)
    changes.start()
    rules = rules_in_force(custody.rules, changes.count_files)
    for sentence in rules.check():
        _log.warning(sentence)
    return changes, rules


def proven_rules(settings: Settings, records: RuleRecords, server: str) -> ProvenRules:
    """Put what proves each change of rules, by the project's files, in front of the records."""
    from handrail.approvals.adapters.kept_texts import kept_rules

    return ProvenRules(records, _files_of(settings), kept_rules, system_time, open_signatures(server))


def open_signatures(server: str) -> Signatures:
    """Open what verifies signatures of persons under decisions for the server of this name."""
    from handrail.approvals.adapters.ed25519_people import Ed25519Check

    return Signatures(server, Ed25519Check())


def _files_of(settings: Settings) -> Callable[[], RuleSet]:
    from handrail.approvals.adapters.kept_texts import rule_set_of
    from handrail.bootstrap.approvals_policy import project_texts

    files = project_texts(settings)
    return lambda: rule_set_of(files, settings.project)


def user_name() -> str:
    """Return the name of the machine's user as whom this process runs, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def rules_in_force(records: RuleRecords, before_persons: Callable[[], None] = lambda: None) -> RulesByLedger:
    """Return policies and roles as they are in force at each call; see `RulesByLedger`."""
    from handrail.approvals.adapters.kept_texts import RulesByLedger

    return RulesByLedger(records, before_persons)


def rules_then(records: RuleRecords, moment: datetime) -> RuleBook:
    """Return policies and roles as they were in force at a moment."""
    from handrail.approvals.adapters.kept_texts import rules_at

    return rules_at(records, moment)


def plans_in_force(changes: RuleChanges) -> YamlEvaluations:
    """Return how candidates are measured, as it is in force at each call."""
    from handrail.approvals.adapters.kept_texts import text_at
    from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations

    return YamlEvaluations(lambda path: text_at(changes.views.in_force().rules, path))


def attestations_in_force(changes: RuleChanges, rules: RuleBook, nonces: Nonces) -> Attestations:
    """Return what takes evidence that pipelines have signed, by the pipelines in force at each call."""
    from handrail.approvals.adapters.ed25519_people import Ed25519Check
    from handrail.approvals.adapters.kept_texts import text_at
    from handrail.approvals.adapters.yaml_identities import FILE, YamlIdentities

    identities = YamlIdentities(lambda: text_at(changes.views.in_force().rules, FILE))
    return Attestations(identities, Ed25519Check(), nonces, rules, system_time)


def take_files(settings: Settings, reason: str) -> RulesInForce:
    """Bring the project's files into force without asking anybody, on the server's machine.

    Raises:
        Misconfigured: a file cannot be used, the log's key is missing, or a keeper holds the rules elsewhere.
        Refused: they say what is in force.
        LogMismatch: what is stored is not what was logged.
    """
    from handrail.approvals.adapters.mlflow_home import stable_server_name
    from handrail.bootstrap.approvals_log import open_ledger
    from handrail.bootstrap.approvals_tables import migrated
    from handrail.storage import open_store

    if settings.approvals_socket is not None and settings.approvals_home is None:
        remedy = "Run it as the keeper's user, with HANDRAIL_APPROVALS_HOME naming the keeper's folder."
        raise Misconfigured("approvals_home", "a keeper holds the rules, and its folder is not named", remedy)
    _files_of(settings)()  # before a store is made where there is no project
    store = open_store(settings.approvals_url)
    try:
        ledger, _ = open_ledger(settings, migrated(store))
        server = stable_server_name(settings.gate_home / "mlflow", settings.environment)
        return open_rule_changes(settings, open_records_of_rules(store, ledger.log), server).take(reason)
    finally:
        store.close()
